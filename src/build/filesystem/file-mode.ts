/** `--chmod`: an octal number, or the symbolic form relative to each source's own mode. Throws Error for anything else. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

export function parseMode(text: string): { change: ModeChange; octal: boolean } {
  const mode = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
  if (mode !== undefined && mode <= 0o7777) {
    return { change: () => mode, octal: true };
  }
  const clauses = text.split(",").map((clause) => /^([ugoa]*)((?:[+\-=](?:[rwxXst]*|[ugo]))+)$/.exec(clause));
  if (clauses.some((clause) => !clause))
    throw new Error(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`);
  const change: ModeChange = (start, isDirectory) => {
    let mode = start;
    for (const clause of clauses) {
      const who = clause![1]!.replace("a", "ugo") || "ugo";
      for (const [, operator, letters] of clause![2]!.matchAll(/([+\-=])([rwxXstugo]*)/g)) {
        let bits = 0;
        let mask = 0;
        for (const [name, shift] of [
          ["u", 6],
          ["g", 3],
          ["o", 0],
        ] as const) {
          if (!who.includes(name)) continue;
          // An assignment clears the set-id bit of the same class too, as BSD's setmode does.
          mask |= (7 << shift) | { u: 0o4000, g: 0o2000, o: 0 }[name];
          for (const letter of letters!) {
            const copied = { u: 6, g: 3, o: 0 }[letter];
            if (copied !== undefined) bits |= ((mode >> copied) & 7) << shift;
            if (letter === "r") bits |= 4 << shift;
            if (letter === "w") bits |= 2 << shift;
            if (letter === "x" || (letter === "X" && (isDirectory || (start & 0o111) !== 0))) bits |= 1 << shift;
            if (letter === "s" && name !== "o") bits |= name === "u" ? 0o4000 : 0o2000;
            // "Other" alone has no sticky bit (BSD's setmode, which BuildKit follows).
            if (letter === "t" && name !== "o") bits |= 0o1000;
          }
        }
        mode = operator === "+" ? mode | bits : operator === "-" ? mode & ~bits : (mode & ~mask) | bits;
      }
    }
    return mode;
  };
  return { change, octal: false };
}
