/** The command of an exec as Docker's events have it: the program, a space, and the arguments, also where there are none. */
export function commandText([program = "", ...args]: readonly string[]): string {
  return `${program} ${args.join(" ")}`;
}
