/** How many things are done at a time: what a caller asks for, -1 being all of them (`docker compose --parallel`). */
export function atATime(asked: number | undefined, usual: number): number {
  if (asked === undefined) return usual;
  return asked > 0 ? asked : Number.POSITIVE_INFINITY;
}
