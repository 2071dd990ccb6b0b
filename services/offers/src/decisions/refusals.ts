/** What is refused. Each holds what its sender needs to know; `rpc.ts` tells it to callers. */
export class UnknownRequest extends Error {
  override readonly name = "UnknownRequest";
  constructor() {
    super("no such data request");
  }
}

/** The request has ended in another way. */
export class RequestEnded extends Error {
  override readonly name = "RequestEnded";
  constructor(readonly state: string) {
    super(`the data request is ${state}`);
  }
}

/** The namespace has as many open requests as it may. */
export class TooManyRequests extends Error {
  override readonly name = "TooManyRequests";
  constructor(readonly limit: number) {
    super(`the namespace has ${limit} open data requests, and may have no more`);
  }
}

/** No token, or none that was issued here. */
export class UnknownUpload extends Error {
  override readonly name = "UnknownUpload";
  constructor() {
    super("no such upload");
  }
}

/** The token was good for an upload which cannot be done any more. */
export class UploadClosed extends Error {
  override readonly name = "UploadClosed";
  /** @param reason "stored": what was sent to it is kept; "used": it was used otherwise */
  constructor(readonly reason: "expired" | "used" | "stored" | "erased") {
    super(`the upload URL is ${reason === "used" || reason === "stored" ? "used up" : reason}`);
  }
}

export class UnknownReading extends Error {
  override readonly name = "UnknownReading";
  constructor() {
    super("no such reading");
  }
}
