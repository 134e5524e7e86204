/** Docker's management words that are also commands of Berth's own: `berth image ls` is `berth docker image ls`. `berth volume snapshot` and its kin are Berth's. */
const managementWords = ["image", "volume", "network", "container", "system", "builder", "buildx"];
const ownVolumeWords = ["snapshot", "restore", "ls-snapshots", "rm-snapshot"];

/** The words after `docker`, or undefined where these arguments are Berth's own. */
export function dockerWords(argv: readonly string[]): string[] | undefined {
  const [first = "", second = ""] = argv;
  if (first === "docker") return argv.slice(1);
  if (!managementWords.includes(first) || (first === "volume" && ownVolumeWords.includes(second))) return undefined;
  return [...argv];
}
