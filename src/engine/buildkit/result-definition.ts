import { createHash } from "node:crypto";
import type { Protocol } from "./protocol.ts";
import type { Definition } from "./wire.ts";

const scheme = "docker-image://berth.local/build-result:";

/**
 * A result as a graph of BuildKit's operations, because that is how a client hands it on to another build (the contexts `target:NAME` of bake):
 * one source that names the result, and the end of the graph.
 */
export function resultDefinition(protocol: Protocol, id: string): { def: Uint8Array[]; metadata: NonNullable<Definition["metadata"]> } {
  const op = protocol.codec("pb.Op");
  const source = op.encode({ source: { identifier: `${scheme}${id}` } });
  const digest = `sha256:${createHash("sha256").update(source).digest("hex")}`;
  // Without metadata clients take a graph for none.
  return {
    def: [source, op.encode({ inputs: [{ digest, index: 0 }] })],
    metadata: { [digest]: { description: { "llb.customname": "result" } } },
  };
}

/** The result that such a graph names, or undefined for any other graph. */
export function resultOfDefinition(protocol: Protocol, definition: Definition): string | undefined {
  for (const bytes of definition.def) {
    const { source } = protocol.codec("pb.Op").decode(bytes) as { source?: { identifier: string } | null }; // solver/pb/ops.proto
    if (source?.identifier.startsWith(scheme)) return source.identifier.slice(scheme.length);
  }
  return undefined;
}
