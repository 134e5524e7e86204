import type { ImageNames } from "./image-names.ts";
import type { ImageRecord } from "./image-record.ts";
import { canonicalName, parseReference } from "./reference.ts";

/** The id that a reference means: "name[:tag]", "name@sha256:..", an id, "sha256:<prefix>" or a unique prefix of an id; a name wins over a prefix. */
export function idOfReference(ref: string, records: ReadonlyMap<string, ImageRecord>, names: ImageNames): string | undefined {
  if (/^sha256:[0-9a-f]+$/.test(ref)) return byPrefix(ref.slice(7), records);
  if (/^[0-9a-f]{64}$/.test(ref)) return byPrefix(ref, records);
  const named = byName(ref, records, names);
  if (named !== undefined) return named;
  return /^[0-9a-f]{2,63}$/.test(ref) ? byPrefix(ref, records) : undefined;
}

function byPrefix(hex: string, records: ReadonlyMap<string, ImageRecord>): string | undefined {
  if (hex.length === 64) return records.has(`sha256:${hex}`) ? `sha256:${hex}` : undefined;
  const matches = [...records.keys()].filter((id) => id.startsWith(`sha256:${hex}`));
  return matches.length === 1 ? matches[0] : undefined;
}

function byName(ref: string, records: ReadonlyMap<string, ImageRecord>, names: ImageNames): string | undefined {
  const reference = parseReference(ref);
  if (reference.digest === undefined) return names.idOf(canonicalName(reference));
  const repository = `${reference.domain}/${reference.repository}`;
  for (const record of records.values()) if (record.repoDigests.includes(`${repository}@${reference.digest}`)) return record.id;
  const own = records.has(reference.digest) && names.of(reference.digest).some((name) => name.startsWith(`${repository}:`));
  return own ? reference.digest : undefined;
}
