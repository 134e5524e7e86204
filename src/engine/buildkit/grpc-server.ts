import type { Duplex } from "node:stream";
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { GrpcStatus } from "./grpc-status.ts";
import type { Method, Protocol } from "./protocol.ts";

export interface CallContext {
  /** Aborted when the client gives the call up or its connection ends. */
  readonly signal: AbortSignal;
  /** The last value of one metadata key. */
  header(name: string): string | undefined;
}

export type UnaryHandler = (request: never, context: CallContext) => Promise<object>;
/** `send` settles when the client can take more. */
export type StreamHandler = (request: never, context: CallContext & { send(message: object): Promise<void> }) => Promise<void>;

/** Both sides send: `messages` are the client's. */
export type DuplexHandler = (
  messages: AsyncIterable<object>,
  context: CallContext & { send(message: object): Promise<void>; headers: Readonly<Record<string, string>> },
) => Promise<void>;

/** Handlers by method name. A method without one is answered with UNIMPLEMENTED. */
export interface ServiceHandlers {
  readonly unary?: Readonly<Record<string, UnaryHandler>>;
  readonly stream?: Readonly<Record<string, StreamHandler>>;
  readonly duplex?: Readonly<Record<string, DuplexHandler>>;
}

const maxMessageBytes = 64 * 1024 * 1024;

/** gRPC services on connections that clients took over from HTTP/1.1. `toStatus` says what a thrown error is on the wire. */
export class GrpcServer {
  readonly #server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.max_metadata_size": 1024 * 1024,
  });
  readonly #protocol: Protocol;
  readonly #toStatus: (error: unknown) => GrpcStatus;
  #injector: ReturnType<Server["createConnectionInjector"]> | undefined;

  constructor(o: { protocol: Protocol; services: Readonly<Record<string, ServiceHandlers>>; toStatus: (error: unknown) => GrpcStatus }) {
    this.#protocol = o.protocol;
    this.#toStatus = o.toStatus;
    for (const [service, handlers] of Object.entries(o.services)) this.#add(service, handlers);
  }

  /** Serves one connection until it ends. */
  serve(socket: Duplex): void {
    this.#injector ??= this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#injector.injectConnection(socket);
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #add(service: string, { unary = {}, stream = {}, duplex = {} }: ServiceHandlers): void {
    const definition: Record<string, MethodDefinition<object, object>> = {};
    const implementation: UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(this.#protocol.methods(service))) {
      definition[name] = definitionOf(method);
      const [unaryHandler, streamHandler, duplexHandler] = [unary[name], stream[name], duplex[name]];
      if (duplexHandler) implementation[name] = this.#duplex(duplexHandler);
      if (unaryHandler) implementation[name] = this.#unary(unaryHandler);
      if (streamHandler) implementation[name] = this.#stream(streamHandler);
    }
    this.#server.addService(definition, implementation);
  }

  #unary(handler: UnaryHandler): handleUnaryCall<object, object> {
    return (call, callback) => {
      const context = contextOf(call);
      handler(call.request as never, context).then(
        (response) => callback(null, response),
        (error: unknown) => callback(this.#error(error)),
      );
    };
  }

  #stream(handler: StreamHandler): handleServerStreamingCall<object, object> {
    return (call) => {
      const context = { ...contextOf(call), send: (message: object) => written(call, message) };
      handler(call.request as never, context).then(
        () => call.end(),
        (error: unknown) => call.emit("error", this.#error(error)),
      );
    };
  }

  #duplex(handler: DuplexHandler): handleBidiStreamingCall<object, object> {
    return (call) => {
      const headers = Object.fromEntries(
        Object.keys(call.metadata.getMap()).map((name): [string, string] => [name, call.metadata.get(name).join(",")]),
      );
      const context = { ...contextOf(call), headers, send: (message: object) => written(call, message) };
      // The end of what the client sends is not the end of the call.
      handler({ [Symbol.asyncIterator]: () => call.iterator({ destroyOnReturn: false }) }, context).then(
        () => call.end(),
        (error: unknown) => call.emit("error", this.#error(error)),
      );
    };
  }

  #error(error: unknown): Partial<ServerErrorResponse> & { code: number } {
    const status = this.#toStatus(error);
    const metadata = new Metadata();
    if (status.details.length > 0) metadata.set("grpc-status-details-bin", this.#protocol.codec("google.rpc.Status").encode(status));
    return { code: status.code, details: status.message, metadata };
  }
}

function definitionOf({ path, requestStream, responseStream, request, response }: Method): MethodDefinition<object, object> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (value) => request.encode(value),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (value) => response.encode(value),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

function contextOf(call: { metadata: Metadata; on(event: "cancelled", listener: () => void): unknown }): CallContext {
  const controller = new AbortController();
  call.on("cancelled", () => controller.abort(new Error("context canceled")));
  return { signal: controller.signal, header: (name) => call.metadata.get(name).at(-1)?.toString() };
}

function written(call: ServerWritableStream<object, object> | ServerDuplexStream<object, object>, message: object): Promise<void> {
  if (call.cancelled || call.destroyed || call.write(message)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ["drain", "close", "cancelled"]) call.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "cancelled"]) call.on(event, done);
  });
}
