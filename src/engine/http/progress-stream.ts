import type { ServerResponse } from "node:http";
import type { TransferEvent } from "../../image/index.ts";

export interface ProgressStream {
  /** One line of the stream; the first one sends the head, so that an error before it still has its own status. */
  send(value: unknown): void;
  transfer(event: TransferEvent): void;
  end(): void;
}

/** At most so often is one layer's progress told: a terminal shows no more. */
const everyMs = 100;

/** Docker's progress of a pull, push or load: JSON objects, one a line, with `progressDetail` and a drawn `progress`. */
export function progressStream(response: ServerResponse): ProgressStream {
  const told = new Map<string, number>();
  const send = (value: unknown) => {
    if (!response.headersSent) response.writeHead(200, { "Content-Type": "application/json" });
    response.write(`${JSON.stringify(value)}\r\n`);
  };
  return {
    send,
    transfer: ({ id, status, current, total }) => {
      if (current === undefined || total === undefined) {
        // What is said of the whole has no progress: Compose makes a row of everything that has.
        const ofLayer = !/^(Digest|Status|Pulling from)/.test(status);
        const isNamed = id !== undefined && !/^(Digest|Status): /.test(status);
        send({ status, ...(isNamed ? { id, ...(ofLayer ? { progressDetail: {} } : {}) } : {}) });
        return;
      }
      const key = `${status} ${id}`;
      const now = performance.now();
      if (current < total && now - (told.get(key) ?? -everyMs) < everyMs) return;
      told.set(key, now);
      send({ status, progressDetail: { current, total }, progress: drawn(current, total), id });
    },
    end: () => {
      if (!response.headersSent) response.writeHead(200, { "Content-Type": "application/json" });
      response.end();
    },
  };
}

/** "[=====>      ]  1.2MB/9.9MB", 50 wide. */
function drawn(current: number, total: number): string {
  const done = Math.min(50, Math.floor((current / Math.max(total, 1)) * 50));
  const bar = done < 50 ? `${"=".repeat(done)}>${" ".repeat(50 - done)}` : `${"=".repeat(49)}>`;
  return `[${bar}]  ${decimal(current)}/${decimal(total)}`;
}

/** go-units' HumanSize: four significant digits of decimal units. */
function decimal(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [size, unit] = [bytes, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${Number(size.toPrecision(4))}${units[unit]}`;
}
