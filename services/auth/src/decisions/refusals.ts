/** What auth refuses. Each holds what the caller needs to know, and none holds a secret. */
export class NotFound extends Error {
  override readonly name = "NotFound";
  constructor(readonly what: "namespace" | "API key" | "credential") {
    super(`no such ${what}`);
  }
}

export class AlreadyExists extends Error {
  override readonly name = "AlreadyExists";
  constructor(
    readonly what: "namespace" | "credential",
    readonly id: string,
  ) {
    super(`there is a ${what} ${id} already`);
  }
}

/** A value that is not taken, by the name of its field in the request. */
export class InvalidField extends Error {
  override readonly name = "InvalidField";
  constructor(
    readonly field: string,
    readonly reason: string,
  ) {
    super(`${field} ${reason}`);
  }
}

/** There are as many as there may be. */
export class TooMany extends Error {
  override readonly name = "TooMany";
  constructor(
    readonly what: "namespaces" | "API keys",
    readonly limit: number,
  ) {
    super(`there are ${limit} ${what} already, which is the limit`);
  }
}

/** The start is refused: somebody revoked this key, so it may be in wrong hands. */
export class AdminKeyWithdrawn extends Error {
  override readonly name = "AdminKeyWithdrawn";
  constructor() {
    super("the key in FIELDLOG_ADMIN_KEY was revoked: set another one");
  }
}
