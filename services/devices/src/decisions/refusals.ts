/** What a decision on a device refuses. Each holds what its sender needs to know; `rpc.ts` tells it to callers. */
export class UnknownDevice extends Error {
  override readonly name = "UnknownDevice";
  constructor() {
    super("no such device");
  }
}

/** No device can come under the id that it brings. */
export class IdTaken extends Error {
  override readonly name = "IdTaken";
}

/** The device has no such sensor, or it was removed. */
export class UnknownSensor extends Error {
  override readonly name = "UnknownSensor";
  constructor(readonly sensor: string) {
    super(`no such sensor: ${sensor}`);
  }
}

/** Another device of the namespace has the name, or is about to get it. */
export class NameTaken extends Error {
  override readonly name = "NameTaken";
  constructor(readonly taken: string) {
    super(`the name is taken: ${taken}`);
  }
}

/** It was not issued for that device, or has expired. */
export class UnknownToken extends Error {
  override readonly name = "UnknownToken";
  constructor() {
    super("no such token");
  }
}

/** The device has as many revisions of its configuration as it may. */
export class TooManyConfigurations extends Error {
  override readonly name = "TooManyConfigurations";
  constructor(readonly limit: number) {
    super(`the device has ${limit} revisions of its configuration, and may have no more`);
  }
}

/** The namespace has as many devices as its settings allow. */
export class TooManyDevices extends Error {
  override readonly name = "TooManyDevices";
  constructor(readonly limit: number) {
    super(`the namespace may have no more than ${limit} devices`);
  }
}
