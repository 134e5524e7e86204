import protobuf from "protobufjs/light.js";
import descriptor from "./descriptor.generated.json" with { type: "json" };

/** One method of a service: its path on the wire and how its messages are written and read. */
export interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly request: Codec;
  readonly response: Codec;
}

export interface Codec {
  encode(message: object): Buffer;
  /** Absent fields get protobuf's defaults; 64-bit integers are numbers. @throws Error for bytes that are no such message */
  decode(bytes: Uint8Array): object;
}

/** BuildKit's published interfaces (proto/), loaded once per engine, when the first client asks. */
export class Protocol {
  readonly #root = protobuf.Root.fromJSON(descriptor as protobuf.INamespace); // made by scripts/buildkit-descriptor.mjs
  readonly #codecs = new Map<string, Codec>();
  readonly #services = new Map<string, Readonly<Record<string, Method>>>();

  methods(service: string): Readonly<Record<string, Method>> {
    const known = this.#services.get(service);
    if (known) return known;
    const methods = Object.fromEntries(
      this.#root.lookupService(service).methodsArray.map((method) => {
        method.resolve();
        const one = {
          path: `/${service}/${method.name}`,
          requestStream: method.requestStream === true,
          responseStream: method.responseStream === true,
          request: this.codec((method.resolvedRequestType ?? fail(method.requestType)).fullName.slice(1)),
          response: this.codec((method.resolvedResponseType ?? fail(method.responseType)).fullName.slice(1)),
        };
        return [method.name, one];
      }),
    );
    this.#services.set(service, methods);
    return methods;
  }

  codec(message: string): Codec {
    const known = this.#codecs.get(message);
    if (known) return known;
    const type = this.#root.lookupType(message);
    const codec: Codec = {
      encode: (value) => Buffer.from(type.encode(type.fromObject(value)).finish()),
      decode: (bytes) => type.toObject(type.decode(bytes), { defaults: true, longs: Number, enums: Number, oneofs: false }),
    };
    this.#codecs.set(message, codec);
    return codec;
  }
}

function fail(name: string): never {
  throw new Error(`the descriptor has no message ${name}`);
}
