import type { Timestamp } from "./status-events.ts";

// Messages of proto/ as Protocol decodes them: the fields that are read here. Names are the descriptions' own.

/** pb.Definition: a graph of operations, each one encoded. */
export interface Definition {
  readonly def: readonly Uint8Array[];
  /** What is said of each operation, by its digest. */
  readonly metadata?: Readonly<Record<string, { readonly description?: Readonly<Record<string, string>> }>>;
}

export interface ExporterEntry {
  readonly Type: string;
  readonly Attrs: Readonly<Record<string, string>>;
}

/** moby.buildkit.v1.SolveRequest */
export interface SolveRequest {
  readonly Ref: string;
  readonly Definition: Definition | null;
  readonly ExporterDeprecated: string;
  readonly ExporterAttrsDeprecated: Readonly<Record<string, string>>;
  readonly Session: string;
  readonly Frontend: string;
  readonly FrontendAttrs: Readonly<Record<string, string>>;
  readonly FrontendInputs: Readonly<Record<string, Definition>>;
  readonly Cache: {
    readonly Exports: readonly ExporterEntry[];
    readonly Imports: readonly ExporterEntry[];
    /** The form before there were several: references of registries. */
    readonly ExportRefDeprecated?: string;
    readonly ImportRefsDeprecated?: readonly string[];
  } | null;
  readonly Entitlements: readonly string[];
  /** The client's own question, not a build of its user. */
  readonly Internal: boolean;
  readonly Exporters: readonly ExporterEntry[];
  readonly SourcePolicy?: { readonly rules: readonly unknown[] } | null;
}

/** moby.buildkit.v1.frontend.SolveRequest */
export interface GatewaySolveRequest {
  readonly Definition: Definition | null;
  readonly Frontend: string;
  readonly FrontendOpt: Readonly<Record<string, string>>;
  readonly FrontendInputs: Readonly<Record<string, Definition>>;
}

export interface ResultRef {
  readonly id: string;
}

/** moby.buildkit.v1.frontend.Result */
export interface GatewayResult {
  readonly ref?: ResultRef | null;
  readonly refs?: { readonly refs: Readonly<Record<string, ResultRef>> } | null;
  readonly refDeprecated?: string;
  readonly refsDeprecated?: { readonly refs: Readonly<Record<string, string>> } | null;
  readonly metadata: Readonly<Record<string, Uint8Array>>;
}

/** google.rpc.Status */
export interface WireStatus {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly type_url: string; readonly value: Uint8Array }[];
}

/** moby.buildkit.v1.UsageRecord, which is also what a prune tells. */
export interface UsageRecord {
  readonly ID: string;
  readonly Mutable: boolean;
  readonly InUse: boolean;
  readonly Size: number;
  readonly CreatedAt: Timestamp;
  readonly LastUsedAt: Timestamp;
  readonly UsageCount: number;
  readonly Description: string;
  readonly RecordType: string;
  readonly Shared: boolean;
}
