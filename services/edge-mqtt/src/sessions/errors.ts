/** The client id's session belongs to another principal of the namespace. Client identifier not valid (0x85). */
export class SessionNotYours extends Error {
  override readonly name = "SessionNotYours";
  constructor(
    readonly namespace: string,
    readonly clientId: string,
  ) {
    super(`the session of client ${clientId} belongs to another`);
  }
}

/** Another connection took the session over. Session taken over (0x8E). */
export class SessionLost extends Error {
  override readonly name = "SessionLost";
  constructor(readonly clientId: string) {
    super(`the session of client ${clientId} was taken over`);
  }
}

/** One of limits.mqtt* is reached. Quota exceeded (0x97). */
export class QuotaExceeded extends Error {
  override readonly name = "QuotaExceeded";
  constructor(
    readonly what: "subscriptions" | "sessions" | "bytes",
    readonly limit: number,
  ) {
    super(`the limit of ${limit} ${what} is reached`);
  }
}
