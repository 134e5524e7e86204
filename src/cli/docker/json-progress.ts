import { BerthError } from "../../system/error.ts";
import type { Output } from "../context.ts";

/** One line of Docker's progress streams (pull, push, load, import). */
export interface JsonMessage {
  readonly id?: string;
  readonly status?: string;
  readonly stream?: string;
  readonly progress?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly aux?: unknown;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
}

/**
 * Shows a progress stream as Docker does: on a terminal one line per layer that is rewritten in place, elsewhere one line per change without
 * bars. Throws the error that the stream ends with.
 */
export async function showProgress(lines: AsyncIterable<JsonMessage>, output: Output): Promise<void> {
  const terminal = output.isTTY === true;
  const rows = new Map<string, number>();
  for await (const message of lines) {
    const error = message.errorDetail?.message ?? message.error;
    if (error !== undefined) throw new BerthError("image/registry", error);
    if (message.aux !== undefined) continue;
    if (message.stream !== undefined) {
      rows.clear();
      output.write(message.stream);
      continue;
    }
    const text = `${message.id ? `${message.id}: ` : ""}${message.status ?? ""}`;
    const bar = message.progressDetail?.total !== undefined && message.progress ? ` ${message.progress}` : "";
    if (!terminal) {
      if (bar === "") output.write(`${text}\n`);
      continue;
    }
    if (!message.id || message.progressDetail === undefined) {
      rows.clear();
      output.write(`${text}\n`);
      continue;
    }
    const width = Math.max(20, output.columns ?? 80) - 1;
    const line = (text + bar).slice(0, width);
    const row = rows.get(message.id);
    if (row === undefined) {
      rows.set(message.id, rows.size);
      output.write(`${line}\n`);
    } else {
      const up = rows.size - row;
      output.write(`\x1b[${up}A\x1b[2K\r${line}\r\x1b[${up}B`);
    }
  }
}
