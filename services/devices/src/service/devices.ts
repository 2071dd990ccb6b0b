import { randomBytes, randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { Aggregates } from "@fieldlog/aggregates";
import { registry } from "@fieldlog/contracts";
import { checkName } from "../decisions/accepted.js";
import {
  type Added,
  type Device,
  device,
  deviceIdFrom,
  isNamed,
  type RegisteredDevice,
  type Registration,
  register,
  removeDevice,
  rename,
  type Update,
  update,
} from "../decisions/device.js";
import { InvalidField, NameTaken, UnknownDevice } from "../decisions/refusals.js";
import { DeviceNames } from "./device-names.js";

/** A device as of its decision at `sequence`. */
export interface FoundDevice {
  readonly id: string;
  readonly state: RegisteredDevice;
  readonly sequence: number;
}

/** Registers, changes, finds and removes devices. Raises the refusals of its decisions, and what Aggregates raises. */
export class Devices {
  constructor(
    private readonly aggregates: Aggregates,
    /** 8 random bytes at each call. */
    private readonly random: () => Uint8Array = () => randomBytes(8),
    private readonly names = new DeviceNames(aggregates),
  ) {}

  /** Under a new random id; one that is taken is left alone, and another drawn. */
  async register(namespace: string, asked: Registration): Promise<FoundDevice> {
    if (isNamed(asked.dialect)) throw new InvalidField("dialect", "has devices with names: see CreateDevice");
    for (;;) {
      const id = deviceIdFrom(this.random());
      if (id === undefined) continue;
      const begun = await this.aggregates.begin(device, { namespace, id }, register(asked), `device:${id}`);
      if (begun) return { id, state: begun.state as RegisteredDevice, sequence: begun.sequence };
    }
  }

  /**
   * Under a new UUID and a name of its own. Who stops in between leaves the name reserved for nobody: whoever
   * asks for it after 30 s gets it.
   */
  async create(namespace: string, dialect: string, name: string, decidedBy: string): Promise<FoundDevice> {
    if (!isNamed(dialect)) throw new InvalidField("dialect", "has no devices with names of their own");
    checkName(name, "name");
    const id = randomUUID();
    await this.names.reserve(namespace, name, id, 0, decidedBy);
    const metadata = create(registry.DeviceMetadataSchema, { name });
    const decide = register({ dialect, metadata, sensors: [] });
    const begun = await this.aggregates.begin(device, { namespace, id }, decide, decidedBy);
    // Somebody waited for so long that he took the name over, and fenced this id.
    if (!begun) throw new NameTaken(name);
    return { id, state: begun.state as RegisteredDevice, sequence: begun.sequence };
  }

  /** Asked again, finishes what was begun. Of two at once, each is done on what the other led to. */
  async rename(namespace: string, id: string, name: string, decidedBy: string): Promise<FoundDevice> {
    const before = (await this.aggregates.current(device, { namespace, id })).state;
    if (rename(name)(before).events.length > 0) {
      await this.names.reserve(namespace, name, id, namedAt(before), decidedBy);
    }
    const decide = async (state: Device) => {
      const outcome = rename(name)(state);
      if (outcome.events.length > 0) await this.names.check(namespace, name, id, namedAt(state));
      return outcome;
    };
    const { snapshot } = await this.aggregates.transact(device, { namespace, id }, decide, decidedBy);
    const state = snapshot.state as RegisteredDevice;
    if (state.formerName !== undefined) {
      await this.names.release(namespace, state.formerName, id, namedAt(state), decidedBy);
    }
    return { id, state, sequence: snapshot.sequence };
  }

  /** It is unknown from then on, and its name is free. Asked again, finishes what was begun. Returns the sequence. */
  async remove(namespace: string, id: string, decidedBy: string): Promise<number> {
    const { snapshot } = await this.aggregates.transact(device, { namespace, id }, removeDevice, decidedBy);
    const names = snapshot.state.phase === "removed" ? snapshot.state.names : [];
    for (const name of names)
      await this.names.release(namespace, name, id, Number.POSITIVE_INFINITY, decidedBy);
    return snapshot.sequence;
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
    if (state.phase !== "registered") throw new UnknownDevice();
    return { id, state, sequence };
  }
}

function namedAt(state: Device): number {
  return state.phase === "registered" ? (state.namedAt ?? 0) : 0;
}
