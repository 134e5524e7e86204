/** The command line itself is wrong: shown with the command's usage, exit code 125 (as Docker since 28). */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A command's own end: a text for stderr (none where everything was said) and Docker's exit code. */
export class DockerExit extends Error {
  override readonly name = "DockerExit";
  readonly code: number;

  constructor(code: number, message = "") {
    super(message);
    this.code = code;
  }
}
