import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { InvalidField, type Outcome } from "@fieldlog/decider";
import { checkCount, checkDetails, checkMetadata, checkName, checkText } from "./accepted.js";
import { type Device, device, hasName, isNamed, type RegisteredDevice } from "./device.js";
import { difference } from "./fields.js";
import { IdTaken, UnknownDevice, UnknownSensor } from "./refusals.js";

// Decisions: each takes what is asked and gives a function of the state. That returns the events that lead
// there, none if everything is so already, or raises a refusal.

type Recorded = NonNullable<MessageInitShape<typeof registry.RegistryEventSchema>["event"]>;

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
