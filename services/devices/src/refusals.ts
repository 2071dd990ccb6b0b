/** What a decision on a device refuses. Each holds what its sender needs to know; `rpc.ts` tells it to callers. */
export class UnknownDevice extends Error {
  override readonly name = "UnknownDevice";
  constructor() {
    super("no such device");
  }
}

/** The device has no such sensor, or it was removed. */
export class UnknownSensor extends Error {
  override readonly name = "UnknownSensor";
  constructor(readonly sensor: string) {
    super(`no such sensor: ${sensor}`);
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
