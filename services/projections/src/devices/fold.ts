import type { registry } from "@fieldlog/contracts";

/** A registered device, as JSON holds it. */
export interface DeviceState {
  readonly dialect: string;
  /** ms since 1970 UTC. */
  readonly registeredAt: number;
  /** What is known of it; `properties` by name. */
  readonly metadata: Record<string, unknown> & { readonly properties: Record<string, unknown> };
  /** Removed ones too, in order of creation. */
  readonly sensors: readonly SensorState[];
}

export interface SensorState {
  readonly id: string;
  readonly sensorType: string;
  readonly removed: boolean;
  readonly details: Record<string, unknown>;
}

/** The device after a decision; undefined: nobody has registered it, or it was removed. */
export function fold(
  before: DeviceState | undefined,
  { events, decidedAt }: registry.Decision,
): DeviceState | undefined {
  let state = before;
  for (const { event } of events) state = evolve(state, event, Number(decidedAt));
  return state;
}

function evolve(
  state: DeviceState | undefined,
  event: registry.RegistryEvent["event"],
  decidedAt: number,
): DeviceState | undefined {
  if (!state) {
    if (event.case !== "deviceRegistered") return undefined;
    const { dialect, metadata } = event.value;
    return {
      dialect,
      registeredAt: decidedAt,
      metadata: merge({ properties: {} }, metadata, []),
      sensors: [],
    };
  }
  switch (event.case) {
    case "deviceRemoved":
    case "deviceErased":
      return undefined;
    case "deviceMetadataChanged":
      return { ...state, metadata: merge(state.metadata, event.value.metadata, event.value.unsetProperties) };
    case "sensorAdded": {
      const { sensor: id, sensorType, details } = event.value;
      return {
        ...state,
        sensors: [...state.sensors, { id, sensorType, removed: false, details: present(details) }],
      };
    }
    case "sensorChanged":
      return changeSensor(state, event.value.sensor, ({ details }) => {
        return { details: { ...details, ...present(event.value.details) } };
      });
    case "sensorRemoved":
      return changeSensor(state, event.value.sensor, () => ({ removed: true }));
    default:
      return state;
  }
}

/** What was unset goes, then what was set comes. */
function merge(
  before: DeviceState["metadata"],
  change: registry.DeviceMetadata | undefined,
  unset: readonly string[],
): DeviceState["metadata"] {
  const { properties: set = {}, ...fields } = change ?? {};
  const properties = { ...before.properties };
  for (const name of unset) delete properties[name];
  for (const [name, value] of Object.entries(set)) properties[name] = plain(value);
  return { ...before, ...present(fields), properties };
}

function changeSensor(state: DeviceState, id: string, change: (old: SensorState) => Partial<SensorState>) {
  return {
    ...state,
    sensors: state.sensors.map((old) => (old.id === id ? { ...old, ...change(old) } : old)),
  };
}

/** The fields of a message that are set; an empty list is none. */
function present(message: object | undefined): Record<string, unknown> {
  const isSet = (value: unknown) => value !== undefined && !(Array.isArray(value) && value.length === 0);
  const fields = Object.entries(message ?? {});
  return Object.fromEntries(fields.filter(([name, value]) => !name.startsWith("$") && isSet(value)));
}

/** As JSON has it; an integer beyond 2^53 as text, so that it stays exact. */
function plain({ value }: registry.PropertyValue): unknown {
  if (value.case !== "integer") return value.value ?? null;
  const number = Number(value.value);
  return Number.isSafeInteger(number) ? number : String(value.value);
}
