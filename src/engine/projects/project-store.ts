import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProjectRecord, ProjectStore, SourceNotes, WriteFile } from "../../scheduler/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";
import { Records } from "../records.ts";
import { StoredSourceNotes } from "./stored-source-notes.ts";

/** Desired states below `<root>/projects`; below `<root>/project-files/<name>` the configs and secrets that were written for containers, and what its watch noted. */
export class StoredProjects implements ProjectStore {
  readonly #records: Records<ProjectRecord>;
  readonly #files: string;

  constructor(root: string) {
    this.#records = new Records(join(root, "projects"));
    this.#files = join(root, "project-files");
  }

  /** Answers the records that could not be read (moved aside). */
  open(): string[] {
    return this.#records.open();
  }

  list(): ProjectRecord[] {
    return this.#records.values();
  }
  get(name: string): ProjectRecord | undefined {
    return this.#records.get(name);
  }
  put(name: string, record: ProjectRecord): void {
    this.#records.put(name, record);
  }
  delete(name: string): void {
    this.#records.delete(name);
    rmSync(join(this.#files, name), { recursive: true, force: true });
  }

  sourceNotes(name: string): SourceNotes {
    return new StoredSourceNotes(join(this.#files, name, ".watched-sources"));
  }

  /** The name stands for its content, owner and mode, but for a file of the user's, which is read anew. */
  readonly writeFile: WriteFile = (project, { name, content, uid, gid, mode }) => {
    const path = join(this.#files, project, name);
    if (existsSync(path) && "text" in content) return path;
    mkdirSync(join(this.#files, project), { recursive: true, mode: 0o711 });
    const temporary = `${path}.tmp`;
    writeFileSync(temporary, "text" in content ? content.text : readSource(content.file), { mode: 0o600 });
    chownSync(temporary, uid, gid);
    chmodSync(temporary, mode);
    renameSync(temporary, path);
    return path;
  };
}

function readSource(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new BerthError("scheduler/bad-file", `cannot read ${file}: ${messageOf(error)}`, { place: { file }, cause: error });
  }
}
