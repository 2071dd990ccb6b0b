import { createHash, timingSafeEqual } from "node:crypto";
import {
  create,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { currentTraceParent, type Logger, type Registry, withTraceParent } from "@fieldlog/runtime";
import type { Metadata, MethodDefinition, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { MESSAGE_BYTES, pathOf, type RpcCall, type ServiceImpl, unaryMethods } from "./methods.js";
import { callMetrics, type NoteCall } from "./metrics.js";
import { RpcError, rpcErrorOf, statusOf } from "./rpc-error.js";

export interface RpcServerOptions {
  /** host:port to listen on; port 0: a free one. */
  readonly address: string;
  /** What callers must present; of several, with commas between, any: so it is exchanged while services run. */
  readonly token: string;
  readonly logger?: Logger;
  readonly metrics?: Registry;
  /** The service's own errors as RpcErrors; undefined: not one of those. */
  readonly refusal?: (error: unknown) => RpcError | undefined;
  /** Milliseconds for calls under way when stopping; default 5,000. */
  readonly drainMs?: number;
}

type Method = (request: Message, call: RpcCall) => Promise<Record<string, unknown>>;

/** Serves methods that other services call. Every call must present the token. */
export class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #tokens: readonly Buffer[];
  readonly #noteCalls: (service: string) => NoteCall;
  readonly #server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_send_message_length": MESSAGE_BYTES,
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
  });
  #port: number | undefined;

  constructor(options: RpcServerOptions) {
    // grpc-js writes lines that are not JSON to standard error; all that they tell is thrown as well.
    setLogVerbosity(logVerbosity.NONE);
    this.#options = options;
    this.#tokens = options.token.split(",").map((token) => digest(`Bearer ${token}`));
    this.#noteCalls = callMetrics(options.metrics, "server");
  }

  add<S extends DescService>(service: S, impl: ServiceImpl<S>): this {
    const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
    const handlers: UntypedServiceImplementation = {};
    const note = this.#noteCalls(service.typeName);
    const same = (bytes: Buffer) => bytes;
    for (const method of unaryMethods(service)) {
      // Bytes as they are: they are decoded only after the token was checked.
      definition[method.localName] = {
        path: pathOf(method),
        requestStream: false,
        responseStream: false,
        requestDeserialize: same,
        requestSerialize: same,
        responseDeserialize: same,
        responseSerialize: same,
      };
      const run = (impl as Record<string, unknown> as Record<string, Method>)[method.localName]?.bind(
        impl,
      ) as Method;
      handlers[method.localName] = (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        const startedAt = performance.now();
        this.#answer(method, run, call).then(
          (bytes) => {
            note(method.name, "ok", startedAt);
            answer(null, bytes);
          },
          (error) => {
            const refusal = this.#refusalFor(method, error);
            note(method.name, refusal.code, startedAt);
            answer(statusOf(refusal));
          },
        );
      };
    }
    this.#server.addService(definition, handlers);
    return this;
  }

  /** The port that it listens on. Raises Error before it has started. */
  get port(): number {
    if (this.#port === undefined) throw new Error("not listening");
    return this.#port;
  }

  /** Rejects when the address cannot be listened on. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(this.#options.address, ServerCredentials.createInsecure(), (error, port) => {
        if (error) return reject(new Error(`cannot listen on ${this.#options.address}: ${error.message}`));
        this.#port = port;
        resolve();
      });
    });
  }

  /** Takes no more calls and lets those under way finish; after `drainMs` they are cut off. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      const force = setTimeout(() => this.#server.forceShutdown(), this.#options.drainMs ?? 5_000);
      this.#server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }

  async #answer(method: DescMethod, run: Method, call: ServerUnaryCall<Buffer, Buffer>): Promise<Buffer> {
    const presented = digest(headerOf(call.metadata, "authorization") ?? "");
    if (!this.#tokens.some((token) => timingSafeEqual(presented, token))) {
      throw new RpcError("unauthenticated", "the internal token is missing or wrong");
    }
    const request = decode(method, call.request);
    const incoming = headerOf(call.metadata, "traceparent");
    return withTraceParent(incoming, pathOf(method), { "rpc.system": "grpc" }, async () => {
      const traceParent = currentTraceParent() ?? incoming;
      const isGone = () => call.cancelled;
      const answer = await run(request, traceParent === undefined ? { isGone } : { isGone, traceParent });
      return Buffer.from(toBinary(method.output, create(method.output, answer)));
    });
  }

  #refusalFor(method: DescMethod, error: unknown): RpcError {
    const refusal = this.#options.refusal?.(error) ?? rpcErrorOf(error);
    if (refusal.cause !== undefined) {
      this.#options.logger?.error({ err: refusal.cause, method: pathOf(method) }, "call failed");
    }
    return refusal;
  }
}

function decode(method: DescMethod, bytes: Buffer): Message {
  try {
    return fromBinary(method.input, bytes);
  } catch (error) {
    throw new RpcError("invalid_argument", `not a ${method.input.typeName}: ${(error as Error).message}`);
  }
}

function headerOf(metadata: Metadata, name: string): string | undefined {
  const [value] = metadata.get(name);
  return typeof value === "string" ? value : undefined;
}

/** Of equal length whatever it is made from, so that comparing tells nothing. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
