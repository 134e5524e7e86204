import type { BuildEvent } from "../../api/index.ts";
import type { PlannedStep, StepListener } from "../../build/index.ts";

interface Row extends PlannedStep {
  readonly output: string[];
  began: boolean;
  headed: boolean;
  cached?: boolean;
  imageId?: string;
}

/**
 * A build as Docker's classic builder tells it: "Step 2/5 : RUN make", the step's output, " ---> Using cache", " ---> 0123456789ab". That builder takes one step
 * after the other; steps that are done side by side here are told in the Dockerfile's order, each one's output as it comes when its turn has come. An instruction
 * that makes no layer costs nothing here, so it counts as cached where the next layer of its stage is.
 */
export class ClassicBuildOutput implements StepListener {
  readonly #send: (text: string) => void;
  readonly #labels: readonly string[];
  readonly #mayCache: boolean;
  readonly #rowOfVertex = new Map<string, Row>();
  #rows: Row[] = [];
  #next = 0;

  constructor(send: (text: string) => void, o: { labels: Readonly<Record<string, string | null>>; mayCache: boolean }) {
    this.#send = send;
    this.#labels = Object.entries(o.labels)
      .map(([key, value]) => `${key}=${value ?? ""}`)
      .sort();
    this.#mayCache = o.mayCache;
  }

  planned(steps: readonly PlannedStep[]): void {
    this.#rows = steps.map((step) => ({
      ...step,
      output: [],
      began: step.stage < 0,
      headed: false,
      ...(step.stage < 0 ? { imageId: "" } : {}),
    }));
    this.#flush();
  }

  began(line: number, vertex?: string): void {
    const row = this.#row(line);
    if (!row) return;
    row.began = true;
    if (vertex !== undefined) this.#rowOfVertex.set(vertex, row);
    this.#flush();
  }

  looked(vertex: string, found: boolean): void {
    const row = this.#rowOfVertex.get(vertex);
    if (row?.makesLayer) row.cached = found;
    this.#flush();
  }

  done(line: number, imageId: string): void {
    const row = this.#row(line);
    if (row) row.imageId = imageId;
    this.#flush();
  }

  event(event: BuildEvent): void {
    // Docker's classic builder knows no rules of style.
    if (event.type === "warning" && event.rule === undefined) this.#send(`[Warning] ${event.message}\n`);
    if (event.type !== "log") return;
    // Docker's classic builder shows stderr in red, and its clients know it by that.
    this.#rowOfVertex.get(event.vertex)?.output.push(event.stream === 2 ? `\x1b[91m${event.text}\x1b[0m` : event.text);
    this.#flush();
  }

  /** The build has made its image: `isNew` where no earlier build had. */
  finish(imageId: string, isNew: boolean): void {
    const last = this.#rows.at(-1);
    if (last) last.imageId = imageId;
    for (const row of this.#rows.slice(this.#next)) row.cached ??= !isNew && this.#mayCache;
    this.#flush();
    for (const [index, label] of this.#labels.entries()) {
      this.#head(this.#rows.length + 1 + index, `LABEL ${label}`);
      this.#send(` ---> ${short(imageId)}\n`);
    }
  }

  /** The build has failed: what was held back of the steps that had begun is told now. */
  fail(): void {
    for (const row of this.#rows.slice(this.#next).filter((one) => one.began)) this.#tellBegun(row);
  }

  #row(line: number): Row | undefined {
    return this.#rows.find((row) => row.line === line);
  }

  /** Tells what can be told in order. */
  #flush(): void {
    for (let row = this.#rows[this.#next]; row?.began; row = this.#rows[this.#next]) {
      this.#tellBegun(row);
      if (row.imageId === undefined) return;
      const from = row.stage >= 0 && this.#rows[this.#next - 1]?.stage !== row.stage;
      const cached = from || row.stage < 0 ? false : this.#isCached(row);
      if (cached === undefined) return;
      if (cached) this.#send(" ---> Using cache\n");
      if (row.imageId) this.#send(` ---> ${short(row.imageId)}\n`);
      this.#next++;
    }
  }

  /** Undefined while it is not known. */
  #isCached(row: Row): boolean | undefined {
    if (row.cached !== undefined || row.makesLayer) return row.cached ?? false;
    if (!this.#mayCache) return false;
    const stage = this.#rows.filter((other) => other.stage === row.stage);
    const at = stage.indexOf(row);
    const after = stage.slice(at).find((other) => other.makesLayer);
    if (after) return after.cached;
    if (row.stage === this.#rows.at(-1)?.stage) return undefined; // the image tells it
    return stage.slice(0, at).findLast((other) => other.makesLayer)?.cached ?? false;
  }

  #tellBegun(row: Row): void {
    if (!row.headed) this.#head(this.#rows.indexOf(row) + 1, row.text);
    row.headed = true;
    for (const text of row.output.splice(0)) this.#send(text);
  }

  #head(number: number, text: string): void {
    this.#send(`Step ${number}/${this.#rows.length + this.#labels.length} : ${text}`);
    this.#send("\n");
  }
}

const short = (imageId: string): string => imageId.replace("sha256:", "").slice(0, 12);
