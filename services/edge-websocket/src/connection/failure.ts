/** What a client is told when it does not get what it asked for. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(
    /** As HTTP has them. */
    readonly status: number,
    readonly detail: string,
    /** The connection goes on. */
    readonly goesOn = false,
  ) {
    super(detail);
  }

  /** The WebSocket close code (RFC 6455, section 7.4.2: 4000 and above are an application's own). */
  get closeCode(): number {
    return 4_000 + this.status;
  }
}
