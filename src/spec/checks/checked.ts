import type { Project, Service } from "../../api/project.ts";
import type { Problems, Where } from "../problems.ts";
import { find, type Mapping, type Path } from "../yaml/tree.ts";

/** A project that is checked, the tree that says where each part of it is written, and who is told. */
export interface Checked {
  readonly project: Project;
  readonly disabled: Readonly<Record<string, Service>>;
  readonly root: Mapping;
  readonly problems: Problems;
}

/** Where something of the project is written, or the nearest to it that is. */
export function placeIn({ root }: Pick<Checked, "root">, path: Path): Where {
  return { origin: find(root, path).origin, path };
}
