/** One value that differs, by its key path. */
export interface Difference {
  readonly path: string;
  /** undefined: it is not there. */
  readonly old: unknown;
  readonly new: unknown;
}

/** Where two definitions differ, in the order of the keys; absent, null, {} and [] are the same. */
export function differences(before: unknown, after: unknown, path = ""): Difference[] {
  if (isEmpty(before) && isEmpty(after)) return [];
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differences(before[key], after[key], path ? `${path}.${key}` : key));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length && [...before, ...after].every(isObject))
    return before.flatMap((one, index) => differences(one, after[index], `${path}[${index}]`));
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, old: before, new: after }];
}

/** "environment.LEVEL: info -> debug" */
export function differenceLine({ path, old, new: now }: Difference): string {
  if (isEmpty(old)) return `${path}: ${shown(now)} is new`;
  if (isEmpty(now)) return `${path}: ${shown(old)} is gone`;
  return `${path}: ${shown(old)} -> ${shown(now)}`;
}

const shown = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing"));

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
