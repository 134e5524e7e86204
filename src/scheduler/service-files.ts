import { createHash } from "node:crypto";
import type { FileObject, FileReference, Project, Service } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { definitionHash } from "./definition-hash.ts";

/** A config or secret in a container. `bind`: the user's own file; `write`: the engine writes it, with this owner and mode. */
export type ServiceFile = { readonly target: string } & (
  | { readonly kind: "bind"; readonly path: string }
  | {
      readonly kind: "write";
      /** Distinguishes it from every other of the project: the same name has the same bytes, owner and mode. */
      readonly name: string;
      readonly content: { readonly text: string } | { readonly file: string };
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
    }
);

/**
 * The files that a service's `configs` and `secrets` put into its containers. One that comes from a file is bound as it is, so that a change is seen at once,
 * unless an owner or a mode is asked for. compose-spec 05-services.md: secrets at /run/secrets/<target>, configs at /<target>.
 * @throws BerthError scheduler/bad-file
 */
export function serviceFiles(project: Project, service: Service): ServiceFile[] {
  const of = (kind: "secret" | "config", references: readonly FileReference[] | undefined, all: Readonly<Record<string, FileObject>>) =>
    (references ?? []).map((reference) => {
      const definition = all[reference.source];
      if (!definition)
        throw new BerthError("scheduler/bad-file", `service ${service.name}: there is no ${kind} "${reference.source}"`, {
          place: { kind: "service", name: service.name },
        });
      return toFile(service.name, kind, reference, definition);
    });
  return [...of("secret", service.secrets, project.secrets), ...of("config", service.configs, project.configs)];
}

/** A digest of everything that is written for a service's containers, "" where nothing is: when it changes they are made again. */
export function filesHash(files: readonly ServiceFile[]): string {
  const written = files.flatMap((file) => (file.kind === "write" ? [[file.target, file.name]] : []));
  return written.length === 0 ? "" : definitionHash(written).slice(0, 32);
}

function toFile(service: string, kind: "secret" | "config", reference: FileReference, definition: FileObject): ServiceFile {
  const target = targetOf(kind, reference);
  if (definition.external)
    throw new BerthError(
      "scheduler/bad-file",
      `service ${service}: ${kind} "${reference.source}" is external, and Berth has no store of ${kind}s`,
      {
        place: { kind: "service", name: service },
        hint: "Give it as file, environment or content.",
      },
    );
  const owned = reference.uid !== undefined || reference.gid !== undefined || reference.mode !== undefined;
  if (definition.file !== undefined && !owned) return { kind: "bind", target, path: definition.file };
  const content = definition.file !== undefined ? { file: definition.file } : { text: definition.content ?? "" };
  const [uid, gid] = [number(service, reference.source, "uid", reference.uid), number(service, reference.source, "gid", reference.gid)];
  const mode = reference.mode ?? 0o444;
  const key = createHash("sha256")
    .update(JSON.stringify([content, uid, gid, mode]))
    .digest("hex")
    .slice(0, 24);
  return { kind: "write", target, name: `${kind}-${reference.source.replace(/[^\w.-]/g, "_")}-${key}`, content, uid, gid, mode };
}

function targetOf(kind: "secret" | "config", { source, target }: FileReference): string {
  const name = target || source;
  if (name.startsWith("/")) return name;
  return kind === "secret" ? `/run/secrets/${name}` : `/${name}`;
}

function number(service: string, source: string, key: string, text: string | undefined): number {
  const value = Number(text ?? 0);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new BerthError("scheduler/bad-file", `service ${service}: the ${key} of ${source} is "${text}", which is not a number`, {
    place: { kind: "service", name: service },
  });
}
