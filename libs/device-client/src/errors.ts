/** What can go wrong, as programs tell it apart. */
export type ErrorCode =
  | "invalid-option"
  | "provisioning-token-invalid"
  | "provisioning-refused"
  | "provisioning-cancelled"
  | "store-in-use"
  | "store-unusable"
  | "outbox-full"
  | "message-dropped"
  | "message-refused"
  | "payload-too-large"
  | "properties-invalid"
  | "offer-refused"
  | "closed";

/** Everything that this package raises on purpose. */
export class DeviceClientError extends Error {
  override readonly name: string = "DeviceClientError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An argument is not as it must be. */
export class InvalidOption extends DeviceClientError {
  override readonly name = "InvalidOption";

  constructor(
    readonly option: string,
    reason: string,
  ) {
    super("invalid-option", `${option} ${reason}`);
  }
}

/** The platform will not register this device: trying again would change nothing. */
export class ProvisioningFailed extends DeviceClientError {
  override readonly name = "ProvisioningFailed";

  constructor(
    override readonly code: "provisioning-token-invalid" | "provisioning-refused" | "provisioning-cancelled",
    message: string,
  ) {
    super(code, message);
  }
}

/** The file cannot be used: another process has it, or it is none of ours. */
export class StoreUnusable extends DeviceClientError {
  override readonly name = "StoreUnusable";
}

/** There is no room for the message, and the policy is to refuse it. Nothing was stored. */
export class OutboxFull extends DeviceClientError {
  override readonly name = "OutboxFull";

  constructor(
    readonly maxBytes: number,
    readonly wantedBytes: number,
  ) {
    super("outbox-full", `${wantedBytes} bytes do not fit below ${maxBytes} bytes that wait already`);
  }
}

/** The message was stored, and will not arrive: dropped for newer ones, or refused by the platform. */
export class MessageLost extends DeviceClientError {
  override readonly name = "MessageLost";

  constructor(
    override readonly code: "message-dropped" | "message-refused",
    /** Of the platform. */
    readonly reason: string,
  ) {
    super(code, reason);
  }
}

/** The client was closed before it was done. What is stored is sent after the next start. */
export class ClientClosed extends DeviceClientError {
  override readonly name = "ClientClosed";

  constructor() {
    super("closed", "the client is closed");
  }
}
