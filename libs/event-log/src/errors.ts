import type { StreamName } from "@fieldlog/contracts";

/** The log did not take it; nothing is known to be kept. The sender may send again. */
export class LogUnavailable extends Error {
  override readonly name = "LogUnavailable";
  constructor(
    readonly reason: string,
    readonly retryAfterS: number = 1,
    options?: ErrorOptions,
  ) {
    super(`the log is not available: ${reason}`, options);
  }
}

/** More waits for the log than {@link limits} allows for one namespace. Nothing was kept. */
export class QueueFull extends Error {
  override readonly name = "QueueFull";
  readonly retryAfterS = 1;
  constructor(
    readonly namespace: string,
    readonly queuedSignals: number,
    readonly queuedBytes: number,
  ) {
    super(
      `${queuedSignals} signals (${queuedBytes} bytes) of namespace ${namespace} already wait for the log`,
    );
  }
}

/** Another writer appended to the aggregate first. */
export class SequenceConflict extends Error {
  override readonly name = "SequenceConflict";
  constructor(
    readonly subject: string,
    readonly expected: number,
  ) {
    super(`${subject} has moved on from sequence ${expected}`);
  }
}

/** Sequences that should be in the stream are not: the reader must not go on as if nothing were missing. */
export class LogGap extends Error {
  override readonly name = "LogGap";
  constructor(
    readonly stream: StreamName,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(`${stream} lacks sequence ${expected}: what comes next is ${actual}`);
  }
}

/** The signal is larger than {@link limits.signalBytes}. */
export class SignalTooLarge extends Error {
  override readonly name = "SignalTooLarge";
  constructor(
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(`a signal of ${bytes} bytes is over the limit of ${limit}`);
  }
}

/** What the server or the connection raised, as that the log cannot be used just now. */
export function unavailable(error: unknown): LogUnavailable {
  if (error instanceof LogUnavailable) return error;
  return new LogUnavailable((error as Error).message, 1, { cause: error });
}
