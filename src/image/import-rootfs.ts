import type { Readable } from "node:stream";
import type { ContainerConfig, ImageConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { parsePlatform } from "./manifest.ts";
import type { ImageStore } from "./store.ts";

/**
 * An image of one layer from a root file system archive. `changes` are Dockerfile lines (CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME,
 * WORKDIR, STOPSIGNAL). `.wh.` names are ordinary files here, as in `docker import`.
 */
export async function importRootfs(
  store: ImageStore,
  input: Readable,
  o: { ref?: string; message?: string; changes?: readonly string[]; platform?: string; config?: Partial<ImageConfig>; signal: AbortSignal },
): Promise<string> {
  const config = applyChanges(o.changes ?? [], o.config?.config ?? {});
  const layer = await store.transferring(() =>
    store.addLayer({ parent: undefined, input: input as AsyncIterable<Uint8Array>, whiteouts: false, signal: o.signal }),
  );
  const { os, architecture, variant } = parsePlatform(o.platform, store.host.architecture);
  const created = o.config?.created ?? new Date().toISOString();
  const id = store.createImage({
    config: {
      architecture,
      os,
      ...(variant ? { variant } : {}),
      created,
      ...(o.config?.author ? { author: o.config.author } : {}),
      config,
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: o.config?.history ?? [{ created, comment: o.message ?? "Imported from -" }],
    },
    ...(o.ref ? { tags: [o.ref] } : {}),
  });
  store.tell({ action: "import", id, ...(o.ref ? { name: o.ref } : {}) });
  return id;
}

/** The lines that `import --change` and `commit --change` take. @throws BerthError `image/unsupported` */
export function applyChanges(changes: readonly string[], base: ContainerConfig): ContainerConfig {
  const config = structuredClone(base);
  for (const line of changes) {
    const [, keyword = "", rest = ""] = /^\s*(\w+)\s+([\s\S]*?)\s*$/.exec(line) ?? [];
    const words = () => jsonWords(rest) ?? rest.split(/\s+/);
    switch (keyword.toUpperCase()) {
      case "CMD":
        config.Cmd = jsonWords(rest) ?? ["/bin/sh", "-c", rest];
        break;
      case "ENTRYPOINT":
        config.Entrypoint = jsonWords(rest) ?? ["/bin/sh", "-c", rest];
        break;
      case "ENV":
        for (const [key, value] of pairs(rest))
          config.Env = [...(config.Env ?? []).filter((item) => !item.startsWith(`${key}=`)), `${key}=${value}`];
        break;
      case "LABEL":
        config.Labels = { ...config.Labels, ...Object.fromEntries(pairs(rest)) };
        break;
      case "EXPOSE":
        for (const port of words())
          config.ExposedPorts = { ...config.ExposedPorts, [port.includes("/") ? port.toLowerCase() : `${port}/tcp`]: {} };
        break;
      case "VOLUME":
        for (const path of words()) config.Volumes = { ...config.Volumes, [path]: {} };
        break;
      case "USER":
        config.User = rest;
        break;
      case "WORKDIR":
        config.WorkingDir = rest;
        break;
      case "STOPSIGNAL":
        config.StopSignal = rest;
        break;
      default:
        throw new BerthError("image/unsupported", `${keyword || JSON.stringify(line)} is not a valid change command`, {
          hint: "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR are.",
        });
    }
  }
  return config;
}

function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  } catch {
    return undefined; // the shell form
  }
}

/** `k=v "k2=v 2"` or the old `k value with blanks`. */
function pairs(text: string): [string, string][] {
  if (!/^[^\s=]+=/.test(text)) {
    const [, key = text, value = ""] = /^(\S+)\s+([\s\S]*)$/.exec(text) ?? [];
    return [[key, value]];
  }
  const words = text.match(/(?:"(?:\\.|[^"])*"|'[^']*'|\\.|[^\s"'])+/g) ?? [];
  return words.map((word) => {
    const plain = word.replace(/"((?:\\.|[^"])*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? "") : double.replace(/\\(.)/g, "$1"),
    );
    const at = plain.indexOf("=");
    return [plain.slice(0, at), plain.slice(at + 1)];
  });
}
