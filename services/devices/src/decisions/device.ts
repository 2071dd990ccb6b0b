import { isDeepStrictEqual } from "node:util";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import type { Decider, DecisionPoint, Outcome } from "@fieldlog/decider";
import { checkCount, checkDetails, checkMetadata, checkName, checkText } from "./accepted.js";
import { IdTaken, InvalidField, UnknownDevice, UnknownSensor } from "./refusals.js";

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

// Events: those of fieldlog.registry.v1.RegistryEvent that are named below. Their names and fields are the
// storage format of the permanent log.

type DeviceEvent = registry.RegistryEvent["event"];
type Recorded = NonNullable<MessageInitShape<typeof registry.RegistryEventSchema>["event"]>;

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

// Decisions: each takes what is asked and gives a function of the state. That returns the events that lead
// there, none if everything is so already, or raises a refusal.

export interface NewSensor {
  readonly sensorType: string;
  readonly details?: registry.SensorDetails | undefined;
}

export interface Registration {
  readonly dialect: string;
  readonly metadata?: registry.DeviceMetadata | undefined;
  readonly sensors: readonly NewSensor[];
}

export interface Update {
  /** A field that is absent stays as it is; so does a property. */
  readonly metadata?: registry.DeviceMetadata | undefined;
  readonly unsetProperties: readonly string[];
  readonly newSensors: readonly NewSensor[];
  readonly changedSensors: readonly { id: string; details?: registry.SensorDetails | undefined }[];
  readonly removedSensors: readonly string[];
}

/** Ids of the sensors that a decision added, in the order in which they were asked for. */
export interface Added {
  readonly newSensorIds: readonly string[];
}

export function register(asked: Registration): (state: Device) => Outcome<Added> {
  return (state) => {
    if (state.phase !== "unknown") return { events: [], result: { newSensorIds: [] } };
    const { dialect, metadata = create(registry.DeviceMetadataSchema) } = asked;
    checkText(dialect, "dialect", 1);
    checkMetadata(metadata);
    if (isNamed(dialect)) checkName(metadata.name ?? "", "metadata.name");
    checkCount(asked.sensors, limits.sensorsPerDevice, "sensors");
    const sensors = asked.sensors.map((sensor, index) => add(sensor, `sensors[${index}]`));
    return decided({ case: "deviceRegistered", value: { dialect, metadata } }, state, sensors);
  };
}

/**
 * There is a device of that id, and what it says of itself is taken over: its properties, and its sensors, which are told
 * apart by their types. Its name is its own only until somebody gives it another; sensors that it does not name stay.
 */
export function ensure(asked: Registration): (state: Device) => Outcome<Added> {
  return (state) => {
    if (state.phase === "removed") throw new IdTaken("the device was removed");
    const types = new Set(asked.sensors.map(({ sensorType }) => sensorType));
    if (types.size < asked.sensors.length) throw new InvalidField("sensors", "name one of them twice");
    if (state.phase === "unknown") return register(asked)(state);
    if (state.dialect !== asked.dialect) throw new IdTaken("the id is another device's");
    checkCount(asked.sensors, limits.sensorsPerDevice, "sensors");
    const { properties = {} } = asked.metadata ?? {};
    return decided(undefined, state, [
      changeMetadata(create(registry.DeviceMetadataSchema, { properties }), []),
      ...asked.sensors.map((sensor, index) => ensureSensor(state, sensor, `sensors[${index}]`)),
    ]);
  };
}

/**
 * Metadata first, then changed, removed and new sensors. All of it or, when any of it is refused, none. A new name that
 * is to be the device's own must be reserved for it: see device-name.ts.
 */
export function update(asked: Update): (state: Device) => Outcome<Added> {
  return (state) => {
    if (state.phase !== "registered") throw new UnknownDevice();
    const name = newName(state, asked);
    if (name !== undefined && isNamed(state.dialect)) checkName(name, "metadata.name");
    checkCount(asked.unsetProperties, limits.propertiesPerDevice, "unset_properties");
    checkCount(asked.newSensors, limits.sensorsPerDevice, "new_sensors");
    checkCount(asked.changedSensors, limits.sensorsPerDevice, "changed_sensors");
    checkCount(asked.removedSensors, limits.sensorsPerDevice, "removed_sensors");
    return decided(undefined, state, [
      changeMetadata(asked.metadata ?? create(registry.DeviceMetadataSchema), asked.unsetProperties),
      ...asked.changedSensors.map(({ id, details }, index) =>
        change(id, details, `changed_sensors[${index}]`),
      ),
      ...asked.removedSensors.map(remove),
      ...asked.newSensors.map((sensor, index) => add(sensor, `new_sensors[${index}]`)),
    ]);
  };
}

/** The name that the update would give the device; undefined: it keeps the one that it has, or has none. */
export function newName(state: Device, { metadata }: Pick<Update, "metadata">): string | undefined {
  const name = metadata?.name;
  return state.phase !== "registered" || name === state.metadata.name ? undefined : name;
}

/** It was told its metadata as of that decision, by which it knows what others changed until then. */
export function confirmMetadata(sequence: number): (state: Device) => Outcome<undefined> {
  return (state) => {
    if (state.phase !== "registered") throw new UnknownDevice();
    const { changedByOthersAt: changedAt } = state;
    if (changedAt === undefined || changedAt > sequence) return nothing;
    return recorded({ case: "deviceMetadataDelivered", value: {} });
  };
}

/** Of a device with a name of its own. The name must be reserved for it: see device-name.ts. */
export function rename(name: string): (state: Device) => Outcome<undefined> {
  return (state) => {
    if (state.phase !== "registered") throw new UnknownDevice();
    if (!isNamed(state.dialect)) throw new InvalidField("device", "has no name of its own");
    checkName(name, "name");
    return state.metadata.name === name ? nothing : recorded(metadataChanged({ name }));
  };
}

/** It is gone for ever. Of one that is removed already, nothing: who lost the answer may ask again. */
export function removeDevice(state: Device): Outcome<undefined> {
  if (state.phase === "unknown") throw new UnknownDevice();
  return state.phase === "removed" ? nothing : recorded({ case: "deviceRemoved", value: {} });
}

/** Of one that was removed before. Asked twice: nothing. Raises UnknownDevice. */
export function eraseDevice(state: Device): Outcome<undefined> {
  if (state.phase !== "removed") throw new UnknownDevice();
  return state.erased ? nothing : recorded({ case: "deviceErased", value: {} });
}

/**
 * Makes sure that whoever was about to give the device that name can no longer do so, because the device has
 * moved on: one that never was is removed before it begins, another has a change that changes nothing.
 *
 * @returns whether it has the name
 */
export function fence(name: string): (state: Device) => Outcome<boolean> {
  return (state) => {
    if (hasName(state, name)) return { events: [], result: true };
    if (state.phase === "removed") return { events: [], result: false };
    const moved: Recorded =
      state.phase === "unknown" ? { case: "deviceRemoved", value: {} } : metadataChanged({});
    return { ...recorded(moved), result: false };
  };
}

/** Whether it lives, and goes by that name. */
export function hasName(state: Device, name: string): boolean {
  return state.phase === "registered" && state.metadata.name === name;
}

const nothing: Outcome<undefined> = { events: [], result: undefined };

function recorded(event: Recorded): Outcome<undefined> {
  return { events: [{ event }], result: undefined };
}

function metadataChanged(metadata: { name?: string }): Recorded {
  return { case: "deviceMetadataChanged", value: { metadata } };
}

type Step = (state: RegisteredDevice) => Recorded | undefined;

function changeMetadata(asked: registry.DeviceMetadata, unset: readonly string[]): Step {
  checkMetadata(asked);
  return ({ metadata: now }) => {
    const { properties: _, ...fields } = difference(now, asked);
    const set = Object.entries(asked.properties).filter(
      ([key, value]) => !same(own(now.properties, key), value),
    );
    const unsetProperties = [...new Set(unset)].filter(
      (key) => Object.hasOwn(now.properties, key) && !Object.hasOwn(asked.properties, key),
    );
    if (Object.keys(fields).length + set.length + unsetProperties.length === 0) return undefined;
    const metadata = { ...fields, properties: Object.fromEntries(set) };
    return { case: "deviceMetadataChanged", value: { metadata, unsetProperties } };
  };
}

function add({ sensorType, details }: NewSensor, field: string): Step {
  checkText(sensorType, `${field}.sensor_type`, 1);
  checkDetails(details, `${field}.details`);
  return ({ sensors }) => ({
    case: "sensorAdded",
    value: { sensor: String(sensors.length), sensorType, ...(details ? { details } : {}) },
  });
}

function change(id: string, asked: registry.SensorDetails | undefined, field: string): Step {
  checkDetails(asked, `${field}.details`);
  return (state) => {
    const sensor = state.sensors.find((sensor) => sensor.id === id);
    if (!sensor || sensor.removed) throw new UnknownSensor(id);
    const changed = difference(sensor.details, asked ?? {});
    if (Object.keys(changed).length === 0) return undefined;
    const details = create(
      registry.SensorDetailsSchema,
      changed as MessageInitShape<typeof registry.SensorDetailsSchema>,
    );
    return { case: "sensorChanged", value: { sensor: id, details } };
  };
}

function ensureSensor({ sensors }: RegisteredDevice, asked: NewSensor, field: string): Step {
  const known = sensors.find(({ type, removed }) => type === asked.sensorType && !removed);
  return known === undefined ? add(asked, field) : change(known.id, asked.details, field);
}

/** Of one that is removed already, nothing: who lost the answer may ask again. */
function remove(id: string): Step {
  return (state) => {
    const sensor = state.sensors.find((sensor) => sensor.id === id);
    if (!sensor) throw new UnknownSensor(id);
    return sensor.removed ? undefined : { case: "sensorRemoved", value: { sensor: id } };
  };
}

/** Takes the steps one after the other, each on what the ones before led to. */
function decided(first: Recorded | undefined, before: Device, steps: readonly Step[]): Outcome<Added> {
  const events: registry.RegistryEvent[] = [];
  let state = before;
  const record = (recorded: Recorded) => {
    const event = create(registry.RegistryEventSchema, { event: recorded });
    events.push(event);
    state = device.evolve(state, event, { sequence: 0, decidedAt: 0, decidedBy: "" });
  };
  if (first) record(first);
  for (const step of steps) {
    const next = state.phase === "registered" ? step(state) : undefined;
    if (next) record(next);
  }
  checkBounds(state, events);
  const added = events.flatMap(({ event }) => (event.case === "sensorAdded" ? [event.value.sensor] : []));
  return { events, result: { newSensorIds: added } };
}

/** A device fits into one commit, and so does each decision on it. */
function checkBounds(state: Device, events: readonly registry.RegistryEvent[]): void {
  if (state.phase !== "registered" || events.length === 0) return;
  checkCount(state.sensors, limits.sensorsPerDevice, "sensors");
  checkCount(Object.keys(state.metadata.properties), limits.propertiesPerDevice, "properties");
  const { dialect, metadata, sensors } = state;
  const whole = create(registry.DecisionSchema, {
    events: [
      { event: { case: "deviceRegistered", value: { dialect, metadata } } },
      ...sensors.map(({ id: sensor, type: sensorType, details }) => ({
        event: { case: "sensorAdded" as const, value: { sensor, sensorType, details } },
      })),
    ],
  });
  for (const decision of [whole, create(registry.DecisionSchema, { events: [...events] })]) {
    const bytes = toBinary(registry.DecisionSchema, decision).length;
    if (bytes > limits.commitBytes)
      throw new InvalidField("device", `has more than ${limits.commitBytes} bytes`);
  }
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function same(a: registry.PropertyValue | undefined, b: registry.PropertyValue): boolean {
  return a?.value.case === b.value.case && a?.value.value === b.value.value;
}

/** The message's own fields that are there; its type's name is none, and an empty list is not there. */
function present<T extends object>(message: T | undefined): Partial<T> {
  const fields = Object.entries(message ?? {});
  return Object.fromEntries(
    fields.filter(([name, value]) => value !== undefined && !name.startsWith("$") && !isEmptyList(value)),
  ) as Partial<T>;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The fields of `asked` that are there and are not so `now`. */
function difference<T extends object>(now: T, asked: Partial<T>): Partial<T> {
  const fields = Object.entries(present(asked));
  return Object.fromEntries(
    fields.filter(([name, value]) => !isDeepStrictEqual(now[name as keyof T], value)),
  ) as Partial<T>;
}
