import { Metadata, type ServiceError, status } from "@grpc/grpc-js";

/** gRPC's codes, all but OK. https://grpc.io/docs/guides/status-codes/ */
const codes = Object.freeze({
  cancelled: status.CANCELLED,
  unknown: status.UNKNOWN,
  invalid_argument: status.INVALID_ARGUMENT,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  permission_denied: status.PERMISSION_DENIED,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  failed_precondition: status.FAILED_PRECONDITION,
  aborted: status.ABORTED,
  out_of_range: status.OUT_OF_RANGE,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
  unavailable: status.UNAVAILABLE,
  data_loss: status.DATA_LOSS,
  unauthenticated: status.UNAUTHENTICATED,
});

export type RpcCode = keyof typeof codes;

const names = new Map<number, RpcCode>(
  Object.entries(codes).map(([name, number]) => [number, name as RpcCode]),
);

/** Details travel as JSON in a trailer; above this many bytes they are left out, because trailers are small. */
const DETAILS_BYTES = 4_096;
const DETAILS = "fieldlog-details-bin";

/** Why a call did not succeed. A method throws it to refuse; the caller gets the same code, message and details. */
export class RpcError extends Error {
  readonly code: RpcCode;
  /** What the caller may act on, e.g. the id of the sensor that is not there. */
  readonly details: Readonly<Record<string, string>>;

  constructor(code: RpcCode, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    this.details = details;
  }
}

/**
 * Any thrown value as an RpcError: itself, a gRPC status by its code, everything else `internal`
 * with the original as its cause.
 */
export function rpcErrorOf(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (isServiceError(error)) {
    return new RpcError(
      names.get(error.code) ?? "unknown",
      error.details || error.message,
      detailsOf(error.metadata),
    );
  }
  const wrapped = new RpcError("internal", error instanceof Error ? error.message : String(error));
  wrapped.cause = error;
  return wrapped;
}

/** The status that goes to the caller. What was not foreseen is not told, only that it happened. */
export function statusOf(error: RpcError): { code: number; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  const details = Buffer.from(JSON.stringify(error.details));
  if (details.length > 2 && details.length <= DETAILS_BYTES) metadata.set(DETAILS, details);
  const message = error.cause === undefined ? error.message : "internal error";
  return { code: codes[error.code], details: message, metadata };
}

function isServiceError(error: unknown): error is ServiceError {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "number" &&
    "metadata" in error &&
    error.metadata instanceof Metadata
  );
}

function detailsOf(metadata: Metadata): Record<string, string> {
  const [value] = metadata.get(DETAILS);
  if (!Buffer.isBuffer(value)) return {};
  try {
    const parsed: unknown = JSON.parse(value.toString("utf8"));
    if (typeof parsed !== "object" || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).map(([name, text]) => [name, String(text)]));
  } catch {
    return {};
  }
}
