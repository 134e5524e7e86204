import type { Builder, CacheRecord } from "../../build/index.ts";
import type { LocalSource, LocalSources } from "./files/local-sources.ts";
import { timestamp } from "./status-events.ts";
import type { UsageRecord } from "./wire.ts";

export interface PruneRequest {
  readonly filter: readonly string[];
  readonly all: boolean;
  /** Nanoseconds. */
  readonly keepDuration: number;
  readonly reservedSpace: number;
  readonly maxUsedSpace: number;
  /** Of the file system that the cache is on. */
  readonly minFreeSpace: number;
}

/** The build cache and the directories of clients as BuildKit's records of usage. */
export class Usage {
  readonly #builder: Builder;
  readonly #sources: LocalSources;

  readonly #freeBytes: () => number;

  constructor(o: { builder: Builder; sources: LocalSources; freeBytes: () => number }) {
    this.#builder = o.builder;
    this.#freeBytes = o.freeBytes;
    this.#sources = o.sources;
  }

  list(filters: readonly string[]): UsageRecord[] {
    const matches = matcher(filters);
    return [...this.#builder.diskUsage().map(ofStep), ...this.#sources.list().map(ofSource)].filter(matches);
  }

  /** Removes what matches and is not kept, least recently used first; answers what went. */
  prune(request: PruneRequest): UsageRecord[] {
    const unusedForMs = request.keepDuration / 1e6;
    const all = this.list([]);
    const matching = this.list(request.filter).filter((record) => !record.InUse);
    let kept = all.reduce((sum, record) => sum + record.Size, 0);
    const keepBytes = bytesToKeep(request, { usedBytes: kept, freeBytes: this.#freeBytes() });
    const gone: UsageRecord[] = [];
    for (const record of matching.sort((a, b) => lastUsedMs(a) - lastUsedMs(b))) {
      if (keepBytes > 0 && kept <= keepBytes) break;
      if (unusedForMs > 0 && Date.now() - lastUsedMs(record) < unusedForMs) continue;
      gone.push(record);
      kept -= record.Size;
    }
    const steps = gone.filter((record) => record.RecordType !== "source.local").map((record) => record.ID);
    if (steps.length > 0) this.#builder.prune({ keys: steps });
    for (const record of gone) if (record.RecordType === "source.local") this.#sources.remove(record.ID);
    return gone;
  }
}

/** 0 keeps nothing (calculateKeepBytes of BuildKit's cache/manager.go). */
function bytesToKeep(
  { reservedSpace, maxUsedSpace, minFreeSpace }: PruneRequest,
  { usedBytes, freeBytes }: { usedBytes: number; freeBytes: number },
): number {
  const excess = minFreeSpace - freeBytes;
  const most = excess > 0 ? Math.min(maxUsedSpace || usedBytes, usedBytes - excess) : maxUsedSpace;
  return Math.max(most, reservedSpace);
}

function ofStep(record: CacheRecord): UsageRecord {
  return {
    ID: record.key,
    Mutable: false,
    InUse: false,
    Size: record.size,
    CreatedAt: timestamp(Date.parse(record.createdIso)),
    LastUsedAt: timestamp(record.lastUsedMs),
    UsageCount: record.uses,
    Description: record.description,
    RecordType: "regular",
    Shared: false,
  };
}

function ofSource(source: LocalSource): UsageRecord {
  return {
    ID: source.id,
    Mutable: true,
    InUse: source.inUse,
    Size: source.bytes,
    CreatedAt: timestamp(source.createdMs),
    LastUsedAt: timestamp(source.lastUsedMs),
    UsageCount: 1,
    Description: source.description,
    RecordType: "source.local",
    Shared: false,
  };
}

function lastUsedMs(record: UsageRecord): number {
  return record.LastUsedAt.seconds * 1000 + record.LastUsedAt.nanos / 1e6;
}

/** containerd's filters: any of the texts, each of which is conditions joined by commas: `id`, `type`, `description`, `inuse`, `mutable`, `shared`, `private`. */
function matcher(filters: readonly string[]): (record: UsageRecord) => boolean {
  const alternatives = filters.map((text) =>
    text
      .split(",")
      .filter((condition) => condition !== "")
      .map(condition),
  );
  return (record) => alternatives.length === 0 || alternatives.some((conditions) => conditions.every((test) => test(record)));
}

function condition(text: string): (record: UsageRecord) => boolean {
  const match = /^(\w+)(?:(==|!=|~=)"?(.*?)"?)?$/.exec(text);
  const [, field = "", operator, value = ""] = match ?? [];
  const read = fields[field];
  // As containerd does: a field that there is not is empty.
  if (!read) return () => operator === "!=" && value !== "";
  return (record) => {
    const found = read(record);
    if (operator === undefined) return found !== "" && found !== "false";
    if (operator === "~=") return new RegExp(value).test(found);
    return (found === value) === (operator === "==");
  };
}

const fields: Readonly<Record<string, (record: UsageRecord) => string>> = {
  id: (record) => record.ID,
  type: (record) => record.RecordType,
  description: (record) => record.Description,
  inuse: (record) => String(record.InUse),
  mutable: (record) => String(record.Mutable),
  immutable: (record) => String(!record.Mutable),
  shared: (record) => String(record.Shared),
  private: (record) => String(!record.Shared),
  parents: () => "",
};
