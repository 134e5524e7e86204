/**
 * The paths that a watch saw in a project's sources, kept for the next engine: it learns of nothing else what was removed while no engine ran. A path that is
 * noted and is not there any more is a removal; one that is there by chance is harmless.
 */
export interface SourceNotes {
  /** Of the watch before; [] where there was none. */
  read(): readonly string[];
  /** In the place of all that was noted before. */
  begin(paths: readonly string[]): void;
  add(paths: readonly string[]): void;
}
