import { parseGoDuration } from "./go-duration.ts";

const dayMs = 86_400_000;
const unitsMs = { w: 7 * dayMs, d: dayMs, h: 3_600_000, m: 60_000, s: 1000 };

/**
 * After how long an image is asked for again (compose-spec 05-services.md, pull_policy): `daily`, `weekly`, `every_<duration>` of weeks, days, hours, minutes and
 * seconds, each a whole number. Undefined for every other policy.
 */
export function refreshMs(policy: string): number | undefined {
  if (policy === "daily") return dayMs;
  if (policy === "weekly") return 7 * dayMs;
  const every = /^every_((?:\d+[wdhms])+)$/.exec(policy)?.[1];
  return every === undefined ? undefined : parseGoDuration(every, unitsMs);
}
