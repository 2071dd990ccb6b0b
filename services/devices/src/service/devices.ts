import { randomBytes, randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { Aggregates } from "@fieldlog/aggregates";
import { registry } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { checkName, checkOwnName } from "../decisions/accepted.js";
import {
  bringsId,
  type Device,
  device,
  deviceIdFrom,
  hasName,
  isNamed,
  type RegisteredDevice,
} from "../decisions/device.js";
import {
  type Added,
  confirmMetadata,
  ensure,
  newName,
  type Registration,
  register,
  removeDevice,
  rename,
  type Update,
  update,
} from "../decisions/device-decisions.js";
import { NameTaken, UnknownDevice } from "../decisions/refusals.js";
import type { CheckDeviceLimit } from "./device-limit.js";
import { DeviceNames } from "./device-names.js";
import type { Naming } from "./unique-names.js";

/** A device as of its decision at `sequence`. */
export interface FoundDevice {
  readonly id: string;
  readonly state: RegisteredDevice;
  readonly sequence: number;
}

export interface DevicesOptions {
  readonly aggregates: Aggregates;
  readonly naming: Naming;
  /** Asked before a device is made. Default: there is no limit. */
  readonly checkLimit?: CheckDeviceLimit;
  /** 8 random bytes at each call. */
  readonly random?: () => Uint8Array;
  readonly names?: DeviceNames;
}

/**
 * Registers, changes, finds and removes devices. Raises the refusals of its decisions, and what Aggregates and, where a
 * device without a name of its own gets one, Naming raise.
 */
export class Devices {
  private readonly aggregates: Aggregates;
  private readonly naming: Naming;
  private readonly random: () => Uint8Array;
  private readonly names: DeviceNames;
  private readonly checkLimit: CheckDeviceLimit;

  constructor({ aggregates, naming, random, names, checkLimit }: DevicesOptions) {
    this.checkLimit = checkLimit ?? (async () => undefined);
    this.aggregates = aggregates;
    this.naming = naming;
    this.random = random ?? (() => randomBytes(8));
    this.names = names ?? new DeviceNames(aggregates);
  }

  /**
   * Under a new random id; one that is taken is left alone, and another drawn. Raises NameTaken where the namespace
   * wants unique names.
   */
  async register(namespace: string, asked: Registration): Promise<FoundDevice> {
    if (isNamed(asked.dialect)) throw new InvalidField("dialect", "has devices with names: see CreateDevice");
    await this.checkLimit(namespace);
    const name = asked.metadata?.name;
    const unique = name !== undefined && (await this.naming.isUnique(namespace));
    for (;;) {
      const id = deviceIdFrom(this.random());
      if (id === undefined) continue;
      const decidedBy = `device:${id}`;
      if (unique) {
        await this.refuseShared(namespace, name, id);
        await this.names.reserve(namespace, name, id, 0, decidedBy);
      }
      const begun = await this.aggregates.begin(device, { namespace, id }, register(asked), decidedBy);
      if (begun) return { id, state: begun.state as RegisteredDevice, sequence: begun.sequence };
      // Somebody waited for so long that he took the name over, and fenced this id.
      if (unique) throw new NameTaken(name);
    }
  }

  /**
   * Under a new UUID and a name of its own. Who stops in between leaves the name reserved for nobody: whoever
   * asks for it after 30 s gets it.
   */
  async create(namespace: string, dialect: string, name: string, decidedBy: string): Promise<FoundDevice> {
    if (!isNamed(dialect)) throw new InvalidField("dialect", "has no devices with names of their own");
    checkName(name, "name");
    await this.checkLimit(namespace);
    const id = randomUUID();
    await this.names.reserve(namespace, name, id, 0, decidedBy);
    const metadata = create(registry.DeviceMetadataSchema, { name });
    const decide = register({ dialect, metadata, sensors: [] });
    const begun = await this.aggregates.begin(device, { namespace, id }, decide, decidedBy);
    // Somebody waited for so long that he took the name over, and fenced this id.
    if (!begun) throw new NameTaken(name);
    return { id, state: begun.state as RegisteredDevice, sequence: begun.sequence };
  }

  /** Under the id that the device brings. Raises IdTaken, InvalidField. */
  async ensure(
    namespace: string,
    id: string,
    asked: Registration,
  ): Promise<{ device: FoundDevice; changed: boolean }> {
    if (!bringsId(asked.dialect)) throw new InvalidField("dialect", "has no devices with ids of their own");
    const decide = async (state: Device) => {
      if (state.phase === "unknown") await this.checkLimit(namespace);
      return ensure(asked)(state);
    };
    const done = await this.aggregates.transact(device, { namespace, id }, decide, `device:${id}`);
    const { state, sequence } = done.snapshot;
    return { device: { id, state: state as RegisteredDevice, sequence }, changed: done.appended };
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
    await this.releaseFormer(namespace, id, state, decidedBy);
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

  /**
   * All or nothing. Of two at once, each is decided on what the other led to. Raises NameTaken where the device gets a
   * name that is to be its own. The one that it had is free then; broken off before that, others have it after 30 s.
   */
  async update(
    namespace: string,
    id: string,
    asked: Update,
    decidedBy: string,
  ): Promise<Added & { device: FoundDevice; changed: boolean }> {
    let unique = false;
    const decide = async (state: Device) => {
      const outcome = update(asked)(state);
      const name = newName(state, asked);
      if (name === undefined) return outcome;
      if (!isOfNamed(state)) {
        unique = await this.naming.isUnique(namespace);
        if (!unique) return outcome;
        await this.refuseShared(namespace, name, id);
      }
      await this.names.reserve(namespace, name, id, namedAt(state), decidedBy);
      await this.names.check(namespace, name, id, namedAt(state));
      return outcome;
    };
    const done = await this.aggregates.transact(device, { namespace, id }, decide, decidedBy);
    const { sequence } = done.snapshot;
    const state = done.snapshot.state as RegisteredDevice;
    if ((unique || isOfNamed(state)) && asked.metadata?.name !== undefined) {
      await this.releaseFormer(namespace, id, state, decidedBy);
    }
    return {
      device: { id, state, sequence },
      changed: done.appended,
      newSensorIds: done.result.newSensorIds,
    };
  }

  /** The device was told its metadata as of that decision. Raises UnknownDevice. */
  async confirmMetadata(namespace: string, id: string, sequence: number): Promise<void> {
    await this.aggregates.transact(device, { namespace, id }, confirmMetadata(sequence), `device:${id}`);
  }

  /** As of the newest decision in the log. */
  async get(namespace: string, id: string): Promise<FoundDevice> {
    const { state, sequence } = await this.aggregates.current(device, { namespace, id });
    if (state.phase !== "registered") throw new UnknownDevice();
    return { id, state, sequence };
  }

  /** Names of these dialects could be shared until the namespace wanted otherwise, and then nobody reserved them. */
  private async refuseShared(namespace: string, name: string, id: string): Promise<void> {
    checkOwnName(name, "metadata.name");
    for (const other of await this.naming.holders(namespace, name)) {
      if (other === id) continue;
      const { state } = await this.aggregates.current(device, { namespace, id: other });
      if (hasName(state, name)) throw new NameTaken(name);
    }
  }

  private async releaseFormer(namespace: string, id: string, state: RegisteredDevice, decidedBy: string) {
    if (state.formerName === undefined) return;
    await this.names.release(namespace, state.formerName, id, namedAt(state), decidedBy);
  }
}

function isOfNamed(state: Device): boolean {
  return state.phase === "registered" && isNamed(state.dialect);
}

function namedAt(state: Device): number {
  return state.phase === "registered" ? (state.namedAt ?? 0) : 0;
}
