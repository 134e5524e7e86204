import type { Material } from "../../../build/index.ts";
import type { Source } from "../solve-status.ts";

/** What is known of a build when it has ended. */
export interface BuiltFrom {
  readonly ref: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly materials: readonly Material[];
  readonly source: Source | undefined;
  /** "linux/amd64": of the machine that built. */
  readonly platform: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Attributes that say how this machine builds, not what (FilterArgs of BuildKit's solver/llbsolver/provenance). */
const hostsOwn =
  /^(attest:.*|cgroup-parent|image-resolve-mode|platform|cache-imports|cache-from|filename|context|contextkey|dockerfilekey|contextsubdir|source|local-sessionid:.*|sharedkey:.*|vcs:.*)$/;

/**
 * Where a result came from, as BuildKit tells it: a predicate of SLSA provenance v0.2 (https://slsa.dev/spec/v0.2/provenance). The graph of its
 * operations (`buildConfig`) is left out: there is none here.
 */
export function provenance(o: BuiltFrom): object {
  const args = Object.fromEntries(Object.entries(o.attrs).filter(([name]) => !hostsOwn.test(name)));
  const remote = /^(https?:|git|ssh:)/.test(o.attrs["context"] ?? "") ? o.attrs["context"] : undefined;
  const named = Object.values(o.attrs).flatMap((value) => (value.startsWith("local:") ? [value.slice("local:".length)] : []));
  const locals = [...new Set([...(remote === undefined ? ["context", "dockerfile"] : []), ...named])].sort();
  const content = o.source && { filename: o.source.file, language: "Dockerfile", data: Buffer.from(o.source.content).toString("base64") };
  return {
    builder: { id: "" },
    buildType: "https://mobyproject.org/buildkit@v1",
    materials: o.materials.map(({ uri, algorithm, digest }) => ({ uri, digest: { [algorithm]: digest } })),
    invocation: {
      configSource: { ...(remote === undefined ? {} : { uri: remote }), entryPoint: o.attrs["filename"] ?? "Dockerfile" },
      parameters: {
        frontend: "dockerfile.v0",
        ...(Object.keys(args).length > 0 ? { args } : {}),
        ...(locals.length > 0 ? { locals: locals.map((name) => ({ name })) } : {}),
      },
      environment: { platform: o.platform },
    },
    metadata: {
      buildInvocationID: o.ref,
      buildStartedOn: new Date(o.startedMs).toISOString(),
      buildFinishedOn: new Date(o.endedMs).toISOString(),
      completeness: { parameters: true, environment: true, materials: locals.length === 0 },
      reproducible: false,
      ...(content ? { "https://mobyproject.org/buildkit@v1#metadata": { source: { infos: [content] } } } : {}),
    },
  };
}
