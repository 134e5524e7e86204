import type { ImageConfig } from "../../api/index.ts";
import { formatRecords, inlineCacheField } from "./cache-config.ts";

/** A step that a build took or made. */
export interface UsedStep {
  readonly key: string;
  readonly definitions: readonly string[];
  readonly parent: string | undefined;
  readonly chainId: string;
  readonly diffId: string;
  readonly createdIso: string;
}

/** The steps of one build, in the order in which they were done: what an export writes. */
export class UsedSteps {
  private readonly steps = new Map<string, UsedStep>();

  add(step: UsedStep): void {
    const before = this.steps.get(step.key);
    this.steps.set(step.key, { ...step, definitions: [...new Set([...(before?.definitions ?? []), ...step.definitions])] });
  }

  define(key: string, definition: string): void {
    const step = this.steps.get(key);
    if (step) this.steps.set(key, { ...step, definitions: [...new Set([...step.definitions, definition])] });
  }

  /** min: those whose layers are in the result; max: all. */
  of(mode: "min" | "max", layers: readonly { readonly chainId: string }[]): UsedStep[] {
    const result = new Set(layers.map((layer) => layer.chainId));
    return [...this.steps.values()].filter((step) => mode === "max" || result.has(step.chainId));
  }

  /** The configuration with the records of its layers in it, as BuildKit's inline exporter writes them. */
  inline(config: ImageConfig, layers: readonly { readonly chainId: string }[]): ImageConfig {
    const places = new Map(layers.map((layer, at) => [layer.chainId, at]));
    // Definitions would be of use only with the stages that they name, and would make the image's id depend on how it came about.
    const steps = this.of("min", layers);
    const records = steps.map(({ key, chainId, createdIso }) => ({ key, layer: places.get(chainId)!, createdIso }));
    if (records.length === 0) return config;
    const field = Buffer.from(JSON.stringify(formatRecords(records))).toString("base64");
    return Object.assign({}, config, { [inlineCacheField]: field });
  }
}
