import type { Platform } from "./platform.ts";

/** Something that a build took from elsewhere and that it can be known by: an image, what a URL has. */
export interface Material {
  readonly uri: string;
  readonly algorithm: "sha256";
  /** Hexadecimal. */
  readonly digest: string;
}

const isImage = ({ uri }: Material): boolean => uri.startsWith("pkg:");

/** What one build took, each once. */
export class Materials {
  readonly #known = new Map<string, Material>();

  /** `name` in full; `digest` is "sha256:…". */
  image(name: string, { digest, platform }: { digest: string; platform: Platform }): void {
    const [plain = name] = name.split("@");
    const colon = plain.lastIndexOf(":");
    const hasTag = colon > plain.lastIndexOf("/");
    const repository = (hasTag ? plain.slice(0, colon) : plain).replace(/^docker\.io\/(library\/)?/, "");
    const { os, architecture, variant } = platform;
    const text = [os, architecture, ...(variant ? [variant] : [])].join("%2F");
    this.#add({
      uri: `pkg:docker/${repository}${hasTag ? `@${plain.slice(colon + 1)}` : ""}?platform=${text}`,
      digest: digest.replace("sha256:", ""),
    });
  }

  url(uri: string, sha256: string): void {
    this.#add({ uri, digest: sha256 });
  }

  list(): readonly Material[] {
    // Images first.
    return [...this.#known.values()].sort((a, b) => Number(!isImage(a)) - Number(!isImage(b)) || (a.uri < b.uri ? -1 : 1));
  }

  #add(material: Omit<Material, "algorithm">): void {
    this.#known.set(material.uri, { ...material, algorithm: "sha256" });
  }
}
