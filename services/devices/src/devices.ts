import { randomBytes } from "node:crypto";
import type { Aggregates } from "@fieldlog/aggregates";
import {
  type Added,
  device,
  deviceIdFrom,
  type RegisteredDevice,
  type Registration,
  register,
  type Update,
  update,
} from "./device.js";
import { UnknownDevice } from "./refusals.js";

/** A device as of its decision at `sequence`. */
export interface FoundDevice {
  readonly id: string;
  readonly state: RegisteredDevice;
  readonly sequence: number;
}

/** Registers, changes and finds devices. Raises the refusals of its decisions, and what Aggregates raises. */
export class Devices {
  constructor(
    private readonly aggregates: Aggregates,
    /** 8 random bytes at each call. */
    private readonly random: () => Uint8Array = () => randomBytes(8),
  ) {}

  /** Under a new random id; one that is taken is left alone, and another drawn. */
  async register(namespace: string, asked: Registration): Promise<FoundDevice> {
    for (;;) {
      const id = deviceIdFrom(this.random());
      if (id === undefined) continue;
      const begun = await this.aggregates.begin(device, { namespace, id }, register(asked), `device:${id}`);
      if (begun) return { id, state: begun.state as RegisteredDevice, sequence: begun.sequence };
    }
  }

  /** All or nothing. Of two at once, each is decided on what the other led to. */
  async update(
    namespace: string,
    id: string,
    asked: Update,
    decidedBy: string,
  ): Promise<Added & { device: FoundDevice; changed: boolean }> {
    const decide = update(asked);
    const done = await this.aggregates.transact(device, { namespace, id }, decide, decidedBy);
    const { state, sequence } = done.snapshot;
    return {
      device: { id, state: state as RegisteredDevice, sequence },
      changed: done.appended,
      newSensorIds: done.result.newSensorIds,
    };
  }

  /** As of the newest decision in the log. */
  async get(namespace: string, id: string): Promise<FoundDevice> {
    const { state, sequence } = await this.aggregates.current(device, { namespace, id });
    if (state.phase === "unknown") throw new UnknownDevice();
    return { id, state, sequence };
  }
}
