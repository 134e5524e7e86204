import type { ImageConfig, Project, Service } from "../api/index.ts";
import type { ServiceFile } from "./service-files.ts";

/** What the translation of a service has to know beside the service. */
export interface BodyContext {
  readonly project: Project;
  readonly service: Service;
  readonly number: number;
  /** The name that the container will have in the end, also while it is made under another one. */
  readonly name: string;
  readonly configHash: string;
  /** What is run: the image by the name it has, and its id. */
  readonly image: { readonly name: string; readonly id: string; readonly config: ImageConfig };
  readonly files: readonly ServiceFile[];
  /** Where a file is that the engine has written. */
  written(file: Extract<ServiceFile, { kind: "write" }>): string;
  /** The containers that a service has now. */
  containersOf(service: string): readonly { readonly Id: string; readonly Name: string }[];
  containerId(ref: string): string | undefined;
  /** The engine's own socket, for `use_api_socket`. */
  readonly apiSocket: string;
}
