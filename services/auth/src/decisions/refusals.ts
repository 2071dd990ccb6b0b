/** What auth refuses. Each holds what the caller needs to know, and none holds a secret. */
export class NotFound extends Error {
  override readonly name = "NotFound";
  constructor(
    readonly what:
      | "namespace"
      | "API key"
      | "credential"
      | "user"
      | "member"
      | "provisioning token"
      | "provisioning operation",
  ) {
    super(`no such ${what}`);
  }
}

export class AlreadyExists extends Error {
  override readonly name = "AlreadyExists";
  constructor(
    readonly what: "namespace" | "credential" | "user",
    readonly id: string,
  ) {
    super(`there is a ${what} ${id} already`);
  }
}

/** There are as many as there may be. */
export class TooMany extends Error {
  override readonly name = "TooMany";
  constructor(
    readonly what:
      | "namespaces"
      | "namespaces of yours"
      | "API keys"
      | "HMAC keys"
      | "users"
      | "members"
      | "provisioning tokens"
      | "provisioning operations",
    readonly limit: number,
  ) {
    super(`there are ${limit} ${what} already, which is the limit`);
  }
}

/** Nobody would own the namespace any more. */
export class LastOwner extends Error {
  override readonly name = "LastOwner";
  constructor() {
    super("the namespace would have no owner");
  }
}

export class WrongPassword extends Error {
  override readonly name = "WrongPassword";
  constructor() {
    super("wrong password");
  }
}

/** Whoever it is has to wait. */
export class TooManyWrongPasswords extends Error {
  override readonly name = "TooManyWrongPasswords";
  constructor(readonly retryAfterS: number) {
    super("too many wrong passwords lately");
  }
}

/** The same of verification codes that nobody was given. */
export class TooManyWrongCodes extends Error {
  override readonly name = "TooManyWrongCodes";
  constructor(readonly retryAfterS: number) {
    super("too many wrong verification codes lately");
  }
}

/** A token that a device shows opens nothing: there is none such, or it is good no more. */
export class NotGood extends Error {
  override readonly name = "NotGood";
  constructor(readonly what: "provisioning token" | "registration token" | "connection token") {
    super(`no such ${what}, or it is good no more`);
  }
}

/** The provisioning has come to an end that does not allow it. */
export class ProvisioningEnded extends Error {
  override readonly name = "ProvisioningEnded";
  constructor(readonly state: string) {
    super(`the provisioning operation is ${state}`);
  }
}

/** The device's registration cannot be refreshed: it has to be provisioned again. */
export class RegistrationGone extends Error {
  override readonly name = "RegistrationGone";
  constructor() {
    super("the registration token is good no more");
  }
}

/** The registration token did not come of that provisioning token. */
export class OtherProvisioningToken extends Error {
  override readonly name = "OtherProvisioningToken";
  constructor() {
    super("the registration token is not of this provisioning token");
  }
}

export class NamespaceIsDisabled extends Error {
  override readonly name = "NamespaceIsDisabled";
  constructor() {
    super("the namespace is disabled");
  }
}

/** As many devices came in with the provisioning token as may. */
export class RegistrationsUsed extends Error {
  override readonly name = "RegistrationsUsed";
  constructor(readonly limit: number) {
    super(`${limit} devices came in with this provisioning token already, which is its limit`);
  }
}

/** As many passwords wait for being hashed as may. */
export class TooBusy extends Error {
  override readonly name = "TooBusy";
  readonly retryAfterS = 1;
  constructor() {
    super("too many log-ins at once");
  }
}

/** The start is refused: somebody revoked this key, so it may be in wrong hands. */
export class AdminKeyWithdrawn extends Error {
  override readonly name = "AdminKeyWithdrawn";
  constructor() {
    super("the key in FIELDLOG_ADMIN_KEY was revoked: set another one");
  }
}
