import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import type { Decider, DecisionPoint } from "@fieldlog/decider";
import { present } from "./fields.js";

// Ids

const LOWEST_ID = 10n ** 15n;
const HIGHEST_ID = 2n ** 53n - 1n;

/**
 * A device id out of 8 random bytes: 16 digits, and below 2^53, for CSN's clients hold it as an integer.
 * undefined: these bytes make none (one time in nine); take others.
 */
export function deviceIdFrom(random: Uint8Array): string | undefined {
  const id = Buffer.from(random).readBigUInt64BE() & HIGHEST_ID;
  return id >= LOWEST_ID ? id.toString() : undefined;
}

/** Dialects whose devices have a UUID, and always a name that no other device of the namespace has for its own. */
const NAMED_DIALECTS: ReadonlySet<string> = new Set(["tenta", "native"]);

export function isNamed(dialect: string): boolean {
  return NAMED_DIALECTS.has(dialect);
}

/** Dialects whose devices bring ids of their own, and come again under them. */
const OWN_ID_DIALECTS: ReadonlySet<string> = new Set(["edge-impulse", "spotflow"]);

export function bringsId(dialect: string): boolean {
  return OWN_ID_DIALECTS.has(dialect);
}

// Decisions on it: device-decisions.ts.

// Events: those of fieldlog.registry.v1.RegistryEvent that are named below. Their names and fields are the
// storage format of the permanent log.

type DeviceEvent = registry.RegistryEvent["event"];

// State

export interface Sensor {
  readonly id: string;
  readonly type: string;
  readonly details: registry.SensorDetails;
  readonly removed: boolean;
}

export interface RegisteredDevice {
  readonly phase: "registered";
  readonly dialect: string;
  readonly metadata: registry.DeviceMetadata;
  /** In order of creation; removed ones stay. */
  readonly sensors: readonly Sensor[];
  /** ms since 1970 UTC. */
  readonly registeredAt: number;
  /** Of one with a name: the sequence of the decision that gave it the name. */
  readonly namedAt?: number;
  /** The name that it had before that. */
  readonly formerName?: string;
  /** The newest decision by which somebody else changed its metadata, while it has not been told. */
  readonly changedByOthersAt?: number;
}

export interface RemovedDevice {
  readonly phase: "removed";
  /** The names that it had last, newest first. */
  readonly names: readonly string[];
  /** Nothing is left of it. */
  readonly erased?: true;
}

export type Device = { readonly phase: "unknown" } | RegisteredDevice | RemovedDevice;

export const device: Decider<Device> = {
  kind: "device",
  initial: { phase: "unknown" },
  evolve: (state, { event }, at) => {
    // The same whatever stood before it: that is purged.
    if (event.case === "deviceErased") return { phase: "removed", names: [], erased: true };
    if (event.case === "deviceRemoved" && state.phase !== "removed") return removed(state);
    if (state.phase === "unknown") return registered(state, event, at);
    return state.phase === "registered" ? changed(state, event, at) : state;
  },
};

function registered(state: Device, event: DeviceEvent, at: DecisionPoint): Device {
  if (event.case !== "deviceRegistered") return state;
  const { dialect, metadata = create(registry.DeviceMetadataSchema) } = event.value;
  const named = metadata.name === undefined ? {} : { namedAt: at.sequence };
  return { phase: "registered", dialect, metadata, sensors: [], registeredAt: at.decidedAt, ...named };
}

function removed(state: Exclude<Device, RemovedDevice>): RemovedDevice {
  if (state.phase === "unknown" || state.namedAt === undefined) return { phase: "removed", names: [] };
  const names = [state.metadata.name, state.formerName].filter((name) => name !== undefined);
  return { phase: "removed", names };
}

function changed(state: RegisteredDevice, event: DeviceEvent, at: DecisionPoint): RegisteredDevice {
  switch (event.case) {
    case "deviceMetadataChanged": {
      const metadata = merged(state.metadata, event.value);
      return { ...state, ...renamed(state, event.value, at), ...byOthers(event.value, at), metadata };
    }
    case "deviceMetadataDelivered": {
      const { changedByOthersAt: _, ...told } = state;
      return told;
    }
    case "sensorAdded": {
      const { sensor: id, sensorType: type, details = create(registry.SensorDetailsSchema) } = event.value;
      return { ...state, sensors: [...state.sensors, { id, type, details, removed: false }] };
    }
    case "sensorChanged": {
      const details = present(event.value.details);
      return withSensor(state, event.value.sensor, (old) => ({ details: { ...old.details, ...details } }));
    }
    case "sensorRemoved":
      return withSensor(state, event.value.sensor, () => ({ removed: true }));
    default:
      return state;
  }
}

function renamed(state: RegisteredDevice, change: registry.DeviceMetadataChanged, at: DecisionPoint) {
  const { name } = change.metadata ?? {};
  if (name === undefined || name === state.metadata.name) return {};
  const { name: formerName } = state.metadata;
  return { namedAt: at.sequence, ...(formerName === undefined ? {} : { formerName }) };
}

/** A device that changes itself knows it; who fences one changes nothing. */
function byOthers({ metadata, unsetProperties }: registry.DeviceMetadataChanged, at: DecisionPoint) {
  const { properties = {}, ...fields } = present(metadata);
  const changes = Object.keys(fields).length + Object.keys(properties).length + unsetProperties.length;
  return changes === 0 || at.decidedBy.startsWith("device:") ? {} : { changedByOthersAt: at.sequence };
}

/** What was unset goes, then what was set comes: a key in both is set. */
function merged(
  old: registry.DeviceMetadata,
  change: registry.DeviceMetadataChanged,
): registry.DeviceMetadata {
  const kept = Object.entries(old.properties).filter(([key]) => !change.unsetProperties.includes(key));
  const set = Object.entries(change.metadata?.properties ?? {});
  return { ...old, ...present(change.metadata), properties: Object.fromEntries([...kept, ...set]) };
}

function withSensor(state: RegisteredDevice, id: string, change: (old: Sensor) => Partial<Sensor>) {
  const sensors = state.sensors.map((old) => (old.id === id ? { ...old, ...change(old) } : old));
  return { ...state, sensors };
}

/** Whether it lives, and goes by that name. */
export function hasName(state: Device, name: string): boolean {
  return state.phase === "registered" && state.metadata.name === name;
}
