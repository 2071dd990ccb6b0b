export const transports = ["tcp", "tls", "ws", "wss"] as const;
export type Transport = (typeof transports)[number];

/** A connection's bytes, whatever carries them. */
export interface Wire {
  readonly transport: Transport;
  /** Bytes given to {@link write} that have not left this process. */
  readonly buffered: number;
  /** May be followed by `drained` of the receiver. After the end: nothing happens. */
  write(bytes: Buffer): void;
  /** Stops reading, until {@link resume}. */
  pause(): void;
  resume(): void;
  /** Closes after what was written; at once where the other side does not take it in time. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/** Told of what happens on a {@link Wire}. */
export interface WireReceiver {
  received(chunk: Buffer): void;
  /** What was written has left. */
  drained(): void;
  /** Once, and nothing after it. */
  closed(): void;
}

/** Milliseconds that the other side has to take what was written before the end. */
export const END_MS = 1_000;
