import { attribute, NetlinkSocket, netlinkFamily } from "../system/index.ts";

const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;

/**
 * The number of the kernel's nftables rule set, which goes up by one with each transaction of anybody (linux/netfilter/nf_tables.h, NFT_MSG_GETGEN): the same
 * number means the same rules. Spawns nothing.
 */
export async function rulesGeneration(): Promise<number> {
  const socket = new NetlinkSocket(netlinkFamily.netfilter);
  try {
    const [answer] = await socket.request([
      { type: (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN, payload: Buffer.alloc(4), what: "read the generation of the rules" },
    ]);
    return answer ? generationOf(answer) : 0;
  } finally {
    socket.close();
  }
}

/** The attribute after struct nfgenmsg, in network byte order. */
function generationOf(answer: Buffer): number {
  const wanted = attribute(NFTA_GEN_ID, 0).subarray(0, 4);
  const at = answer.indexOf(wanted, 4);
  return at < 0 ? 0 : answer.readUInt32BE(at + 4);
}
