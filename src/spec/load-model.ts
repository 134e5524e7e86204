import { checkModel } from "./checks/check-model.ts";
import { setDefaults } from "./defaults.ts";
import { applyExtends } from "./extends.ts";
import { applyIncludes } from "./include.ts";
import type { ModelContext, ModelSource } from "./model-source.ts";
import { resolvePaths } from "./paths.ts";
import { clear, layOn, readDocument } from "./read-document.ts";
import { resolveFromEnvironment } from "./resolve-environment.ts";
import { checkSchema } from "./schema/check-schema.ts";
import { Mapping } from "./yaml/tree.ts";

/**
 * Makes one model of several files: each is interpolated, extended, has what it includes added, and is laid on those before it; the whole is checked
 * against the schema after each, so that a later file may complete an earlier one (compose-go, loader/loader.go).
 */
export function loadModel(source: ModelSource, context: ModelContext): Mapping {
  const { problems, skip, home } = context;
  const lookup = (name: string) => source.environment.get(name);
  let root = new Mapping();
  for (const { file, documents } of source.files) {
    for (const document of documents) {
      const values = readDocument(document, lookup, skip, problems);
      if (!values) continue;
      applyExtends(values, document.cleared, { file, directory: source.directory, home, lookup, skip, problems });
      clear(root, document.cleared);
      applyIncludes(values, { ...source, includedBy: [...source.includedBy, file] }, context, loadModel);
      root = layOn(root, values, skip, problems, (merged) => {
        checkSchema(merged, problems);
        const version = merged.originOf("version");
        if (merged.has("version"))
          problems.warn("version is obsolete and means nothing; remove it", { origin: version, path: ["version"] });
        merged.delete("version");
      });
    }
  }
  setDefaults(root);
  checkModel(root, problems);
  if (!skip.paths || source.includedBy.length > 0) {
    resolvePaths(root, { directory: skip.paths ? source.shownDirectory : source.directory, home }, problems);
  }
  resolveFromEnvironment(root, lookup);
  return root;
}
