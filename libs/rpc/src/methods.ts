import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

/** Bytes of one request or answer. */
export const MESSAGE_BYTES = 16 * 1024 * 1024;

export interface RpcCall {
  /** W3C traceparent of the caller's work, or of the span for this call where it is traced. */
  readonly traceParent?: string;
  /** Whether its caller waits no more: the deadline has passed, or the connection is gone. To ask before dear work. */
  readonly isGone?: () => boolean;
}

export interface CallOptions {
  /** Milliseconds; default: the client's. */
  readonly deadlineMs?: number;
  /** Default: that of the work under way, where it is traced. */
  readonly traceParent?: string;
}

/** The methods of a service, as who serves it writes them. */
export type ServiceImpl<S extends DescService> = {
  [K in keyof S["method"]]: (
    request: MessageShape<S["method"][K]["input"]>,
    call: RpcCall,
  ) => Promise<MessageInitShape<S["method"][K]["output"]>>;
};

/** The methods of a service, as who calls it sees them. Each rejects with an RpcError. */
export type RpcMethods<S extends DescService> = {
  [K in keyof S["method"]]: (
    request: MessageInitShape<S["method"][K]["input"]>,
    options?: CallOptions,
  ) => Promise<MessageShape<S["method"][K]["output"]>>;
};

export function unaryMethods(service: DescService): readonly DescMethod[] {
  for (const method of service.methods) {
    if (method.methodKind !== "unary")
      throw new TypeError(`${method} is not unary; only unary methods are served`);
  }
  return service.methods;
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
