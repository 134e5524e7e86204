import { attribute, type NetlinkMessage } from "../system/index.ts";
import { addressBytes } from "./rtnetlink.ts";

// linux/netfilter/nfnetlink.h and nf_tables.h: a transaction of nftables as messages. Numbers in them are in network byte order.
const NFNL_MSG_BATCH = { begin: 0x10, end: 0x11 } as const;
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG = { newTable: 0, delTable: 2, newChain: 3, newRule: 6 } as const;
const NLM_F = { exclusive: 0x200, create: 0x400, append: 0x800 } as const;
const NLA_F_NESTED = 0x8000;
const NFPROTO_IPV4 = 2;
const NF_INET_LOCAL_OUT = 3;
const NFT_PAYLOAD = { network: 1, transport: 2 } as const;
const NFT_NAT_DNAT = 1;
const registers = { first: 1, second: 2 } as const;

/** What is sent to a port of an address of the namespace itself, by `protocol`, goes to another one. */
export interface Redirect {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

/** Stands for a redirection's port until it is known; no other bytes of the messages are these. */
const unknownPort = 0xfedc;

/**
 * One transaction that makes a table with such redirections for what processes of the namespace send to `address`. What `nft -f` would do, without the process: there
 * is one such table in each container. The messages are made once (about 0.5 ms) and get their ports each time; `ports` are those that it leads to, in order.
 * `replacing`: in the place of an older one of that name, which costs a grace period of the kernel (about 10 ms); without it such a table is an error (EEXIST).
 */
export function redirectMessages(
  table: string,
  address: string,
  redirects: readonly Redirect[],
): (ports: readonly number[], o: { replacing: boolean }) => NetlinkMessage[] {
  const named = (type: number) => attribute(type, table);
  const chain = "output";
  const remove = message(NFT_MSG.delTable, 0, [named(1)]);
  const make = [
    message(NFT_MSG.newTable, NLM_F.create | NLM_F.exclusive, [named(1)]),
    message(NFT_MSG.newChain, NLM_F.create, [
      named(1),
      attribute(3, chain),
      // The priority of the engine's own chains, before what a container has of its own.
      nested(4, [attribute(1, be32(NF_INET_LOCAL_OUT)), attribute(2, be32(-105))]),
      attribute(7, "nat"),
    ]),
  ];
  const rules = redirects.map((redirect) => {
    const rule = message(NFT_MSG.newRule, NLM_F.create | NLM_F.append, [
      named(1),
      attribute(2, chain),
      nested(4, redirectExpressions(address, redirect)),
    ]);
    return { rule, at: rule.payload.indexOf(be16(unknownPort)) };
  });
  return (ports, o) => [
    batch("begin"),
    ...(o.replacing ? [remove] : []),
    ...make,
    ...rules.map(({ rule, at }, index) => {
      const payload = Buffer.from(rule.payload);
      payload.writeUInt16BE(ports[index] ?? 0, at);
      return { ...rule, payload };
    }),
    batch("end"),
  ];
}

/** ip protocol P ip daddr A th dport N dnat to A:M */
function redirectExpressions(address: string, { protocol, port }: Redirect): Buffer[] {
  return [
    ...matches(NFT_PAYLOAD.network, 9, Buffer.from([protocol === "tcp" ? 6 : 17])),
    ...matches(NFT_PAYLOAD.network, 16, addressBytes(address)),
    ...matches(NFT_PAYLOAD.transport, 2, be16(port)),
    immediate(registers.first, addressBytes(address)),
    immediate(registers.second, be16(unknownPort)),
    expression("nat", [
      attribute(1, be32(NFT_NAT_DNAT)),
      attribute(2, be32(NFPROTO_IPV4)),
      attribute(3, be32(registers.first)),
      attribute(5, be32(registers.second)),
    ]),
  ];
}

/** The bytes at an offset of a header are these. */
function matches(header: number, offset: number, bytes: Buffer): Buffer[] {
  return [
    expression("payload", [
      attribute(1, be32(registers.first)),
      attribute(2, be32(header)),
      attribute(3, be32(offset)),
      attribute(4, be32(bytes.length)),
    ]),
    expression("cmp", [attribute(1, be32(registers.first)), attribute(2, be32(0)), nested(3, [attribute(1, bytes)])]),
  ];
}

const immediate = (register: number, bytes: Buffer): Buffer =>
  expression("immediate", [attribute(1, be32(register)), nested(2, [attribute(1, bytes)])]);

const expression = (name: string, data: readonly Buffer[]): Buffer => nested(1, [attribute(1, name), nested(2, data)]);

const nested = (type: number, parts: readonly Buffer[]): Buffer => attribute(type | NLA_F_NESTED, Buffer.concat(parts));

/** struct nfgenmsg before the attributes. */
const message = (type: number, flags: number, parts: readonly Buffer[]): NetlinkMessage => ({
  type: (NFNL_SUBSYS_NFTABLES << 8) | type,
  flags,
  payload: Buffer.concat([Buffer.from([NFPROTO_IPV4, 0, 0, 0]), ...parts]),
  what: "translate the resolver's port",
});

/** Its resource id is the subsystem. */
const batch = (edge: keyof typeof NFNL_MSG_BATCH): NetlinkMessage => ({
  type: NFNL_MSG_BATCH[edge],
  payload: Buffer.from([0, 0, 0, NFNL_SUBSYS_NFTABLES]),
  what: "translate the resolver's port",
  unconfirmed: true,
});

function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
function be16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
