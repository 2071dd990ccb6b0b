import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";

/** Why a backup was not made, or not put back; `hint`: what to do. */
export class BackupError extends Error {
  override readonly name = "BackupError";
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
  }
}

/** What a server or a connection that goes away raises. */
const NATS = [
  JetStreamApiError,
  errors.ClosedConnectionError,
  errors.ConnectionError,
  errors.DrainingConnectionError,
  errors.NoRespondersError,
  errors.PermissionViolationError,
  errors.RequestError,
  errors.TimeoutError,
];

/** Does the work, and tells failures of NATS and of the disk as BackupErrors; others were not foreseen. */
export async function foreseen<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (NATS.some((kind) => cause instanceof kind)) {
      throw new BackupError(`NATS: ${(cause as Error).message}`, { cause });
    }
    const { code, errno, message } = cause as NodeJS.ErrnoException;
    if (code === "EACCES") {
      throw new BackupError(message, { hint: `User ${process.getuid?.()} must be allowed there.`, cause });
    }
    if (typeof errno === "number") throw new BackupError(message, { cause });
    throw cause;
  }
}
