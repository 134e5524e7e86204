import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (o: { type: "minor" }) => void;

const everyBytes = 4 << 20;
let collect: Collect | undefined;

/**
 * Frees the buffers of a long stream as it goes. V8 looks after objects on its heap; the memory of buffers is outside of it, and a thread may
 * gather 64 MB of dead ones before it begins to look. `passed` is told of each chunk that was used, and every 4 MB collects what is young, which
 * takes a millisecond.
 */
export class BufferGarbage {
  private bytes = 0;

  passed(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes < everyBytes) return;
    this.bytes = 0;
    collect ??= collector();
    collect({ type: "minor" });
  }
}

/** V8's own function, one for each thread: contexts that are made while the flag is set have it. It stays set, for the other threads. */
function collector(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as Collect; // what the flag adds
}
