/** "2026-11-24 02:10:00 +0000 UTC", as Go prints a time; always in UTC. */
export function goTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}
