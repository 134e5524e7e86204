/** The colours of progress and messages, or none. */
export interface Paint {
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  dim(text: string): string;
}

export function paint(color: boolean): Paint {
  const code = (number: number) => (text: string) => (color && text ? `\x1b[${number}m${text}\x1b[0m` : text);
  return { green: code(32), red: code(31), yellow: code(33), blue: code(34), dim: code(2) };
}

const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

/** The sign of work that goes on. */
export function spinner(nowMs: number): string {
  return frames[Math.floor(nowMs / 100) % frames.length] ?? "";
}

/** "0.3s", as Compose and BuildKit write times beside steps. */
export function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
}
