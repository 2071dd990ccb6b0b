import {
  create,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { limits } from "@fieldlog/contracts";
import { currentTraceParent, type Registry } from "@fieldlog/runtime";
import { Client, connectivityState, credentials, Metadata } from "@grpc/grpc-js";
import { type CallOptions, MESSAGE_BYTES, pathOf, type RpcMethods, unaryMethods } from "./methods.js";
import { callMetrics, type NoteCall } from "./metrics.js";
import { RpcError, rpcErrorOf } from "./rpc-error.js";

export interface RpcClientOptions {
  /** host:port, or a DNS name with port, whose addresses then take turns. */
  readonly address: string;
  /** The installation's; of several, with commas between, the first is presented. */
  readonly token: string;
  /** Milliseconds for a call, waiting for the service included; default 5,000. */
  readonly deadlineMs?: number;
  readonly metrics?: Registry;
}

export interface RpcChannel {
  /** Calls under way are cut off: "unavailable". */
  close(): void;
  /** For a health check: why the service cannot be called, or undefined. Waits at most `ms`. */
  unreachable(ms: number): Promise<string | undefined>;
}

export type RpcClient<S extends DescService> = RpcMethods<S> & RpcChannel;

/**
 * A client of another service. It connects at the first call, by itself again whenever the connection
 * is lost (after 100 ms to 2 s), and calls wait for that within their deadline. So a service that starts
 * later, or again, is no error. A call that was under way when the connection broke is not repeated.
 */
export function rpcClient<S extends DescService>(service: S, options: RpcClientOptions): RpcClient<S> {
  const client = new Client(options.address, credentials.createInsecure(), {
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_send_message_length": MESSAGE_BYTES,
    // Internal calls never go through a proxy that the environment names.
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    // A connection of its own, so that another client's back-off is not ours.
    "grpc.use_local_subchannel_pool": 1,
  });
  const note = callMetrics(options.metrics, "client")(service.typeName);
  const methods: Record<string, unknown> = {};
  for (const method of unaryMethods(service))
    methods[method.localName] = caller(client, method, options, note);
  const own: RpcChannel = {
    close: () => client.close(),
    unreachable: (ms) =>
      new Promise((resolve) => {
        client.waitForReady(Date.now() + ms, (error) =>
          resolve(error ? `${service.name} does not answer at ${options.address}` : undefined),
        );
      }),
  };
  return Object.assign(methods as RpcMethods<S>, own);
}

function caller(client: Client, method: DescMethod, defaults: RpcClientOptions, note: NoteCall) {
  const path = pathOf(method);
  const encode = (request: Message) => Buffer.from(toBinary(method.input, request));
  const decode = (bytes: Buffer) => fromBinary(method.output, bytes);
  const authorization = `Bearer ${defaults.token.split(",", 1)[0]}`;
  return (init: Record<string, unknown>, options: CallOptions = {}): Promise<Message> => {
    const startedAt = performance.now();
    const deadlineMs = options.deadlineMs ?? defaults.deadlineMs ?? limits.rpcDeadlineMs;
    const metadata = new Metadata({ waitForReady: true });
    metadata.set("authorization", authorization);
    const traceParent = options.traceParent ?? currentTraceParent();
    if (traceParent) metadata.set("traceparent", traceParent);
    return new Promise((resolve, reject) => {
      const request = create(method.input, init);
      const deadline = Date.now() + deadlineMs;
      client.makeUnaryRequest(path, encode, decode, request, metadata, { deadline }, (error, answer) => {
        if (!error && answer) {
          note(method.name, "ok", startedAt);
          return resolve(answer);
        }
        const refusal = lateOrAway(client, rpcErrorOf(error), defaults.address, deadlineMs);
        note(method.name, refusal.code, startedAt);
        reject(refusal);
      });
    });
  };
}

/** A deadline that passed while there was no connection means that the service is away. */
function lateOrAway(client: Client, error: RpcError, address: string, deadlineMs: number): RpcError {
  if (error.code !== "deadline_exceeded") return error;
  const connected = client.getChannel().getConnectivityState(false) === connectivityState.READY;
  return connected
    ? new RpcError("deadline_exceeded", `no answer from ${address} within ${deadlineMs} ms`)
    : new RpcError("unavailable", `no connection to ${address} within ${deadlineMs} ms`);
}
