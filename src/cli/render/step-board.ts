import type { StepEvent } from "../../api/index.ts";
import { type Paint, seconds, spinner } from "./paint.ts";
import { justify } from "./screen.ts";

interface Row {
  readonly id: string;
  readonly startedMs: number;
  event: StepEvent;
}

/** What is known of the steps of one change, as the lines that `docker compose` shows on a terminal. */
export class StepBoard {
  readonly #rows = new Map<string, Row>();

  apply(event: StepEvent): void {
    const row = this.#rows.get(event.id);
    if (row) row.event = event;
    else this.#rows.set(event.id, { id: event.id, startedMs: event.timeMs, event });
  }

  get size(): number {
    return this.#rows.size;
  }

  /** "[+] Running 2/3" and a line for each resource; where they are more than `height`, those that are done give way first. */
  lines(o: { title: string; nowMs: number; width: number; height: number; paint: Paint }): string[] {
    const rows = [...this.#rows.values()];
    if (rows.length === 0) return [];
    const done = rows.filter(({ event }) => event.done && !event.error).length;
    const head = `[+] ${o.title} ${done}/${rows.length}`;
    const idWidth = Math.max(...rows.map((row) => row.id.length));
    const room = Math.max(1, o.height - 1);
    let shown = rows;
    let more: string[] = [];
    if (rows.length > room) {
      const urgent = rows.filter(({ event }) => !event.done || event.error);
      shown = urgent.slice(0, room - 1);
      if (shown.length < room - 1) shown = rows.filter((row) => shown.includes(row) || !urgent.includes(row)).slice(-(room - 1));
      more = [` … and ${rows.length - shown.length} more`];
    }
    return [done === rows.length ? o.paint.blue(head) : head, ...shown.map((row) => line(row, idWidth, o)), ...more];
  }
}

function line({ id, startedMs, event }: Row, idWidth: number, o: { nowMs: number; width: number; paint: Paint }): string {
  const word = capital(event.status);
  const { paint } = o;
  const failed = event.error !== undefined || event.status === "error";
  const [icon, color] = failed
    ? [paint.red("✘"), paint.red]
    : event.done
      ? [paint.green("✔"), paint.green]
      : [paint.blue(spinner(o.nowMs)), (text: string) => text];
  const detail = failed ? (event.error?.message.split("\n")[0] ?? event.detail) : event.detail;
  const time = seconds((event.done ? event.timeMs : o.nowMs) - startedMs);
  return justify(` ${icon} ${id.padEnd(idWidth)}  ${color(word)}${detail ? ` ${detail}` : ""} `, paint.blue(time), o.width - 1);
}

/** One plain line for one change: " Container shop-web-1  Started". */
export function plainStep(event: StepEvent): string {
  const detail = event.error ? event.error.message.split("\n")[0] : event.detail;
  return ` ${event.id}  ${capital(event.status)}${detail ? ` ${detail}` : ""}`;
}

export const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
