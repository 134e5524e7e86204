/** One prerequisite: what was found, and what to do where that is not enough. */
export interface Check {
  readonly name: string;
  /** warning: Berth works, with less. */
  readonly state: "ok" | "warning" | "problem";
  readonly found: string;
  readonly todo?: string;
}
