import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";

/** How a namespace is set; absent: the installation's default. */
export interface Settings {
  /** Seconds within which a heartbeat is expected, and after which a device is inactive. */
  readonly heartbeatS?: number;
  readonly inactiveAfterS?: number;
  /** Also of the dialects without unique names, no two devices have the same. */
  readonly uniqueDeviceNames: boolean;
  readonly devices?: number;
  /** Bytes of all uploaded objects, and of one upload. */
  readonly storedBytes?: number;
  readonly uploadBytes?: number;
  /** Which offers are accepted: those that a data request covers, or all. */
  readonly offers: "requested" | "all";
  /** Whoever has permission admin may open tunnels to its devices. Absent: nobody may. */
  readonly remoteAccess?: true;
  /** To CSN's messages that nobody signs it is as if it did not exist. Absent: it is open to them. */
  readonly closedToCsn?: true;
}

/** Of a namespace whose settings nobody has changed. */
export const SETTINGS: Settings = Object.freeze({ uniqueDeviceNames: false, offers: "requested" });

/** As they are in the log: what is absent or not known is the default. */
export function settingsOf(message: registry.NamespaceSettingsChanged): Settings {
  const { liveness, limits: own, uniqueDeviceNames, remoteAccess, closedToCsn } = message;
  const storedBytes = own?.storedBytes === undefined ? undefined : Number(own.storedBytes);
  return {
    ...defined({ heartbeatS: liveness?.heartbeatS, inactiveAfterS: liveness?.inactiveAfterS }),
    ...defined({ devices: own?.devices, storedBytes, uploadBytes: own?.uploadBytes }),
    uniqueDeviceNames,
    offers: message.offers === "all" ? "all" : "requested",
    ...(remoteAccess ? { remoteAccess } : {}),
    ...(closedToCsn ? { closedToCsn } : {}),
  };
}

export function settingsMessage(settings: Settings): registry.NamespaceSettingsChanged {
  const { heartbeatS, inactiveAfterS, uniqueDeviceNames, devices, storedBytes, uploadBytes, offers } =
    settings;
  const { remoteAccess = false, closedToCsn = false } = settings;
  return create(registry.NamespaceSettingsChangedSchema, {
    liveness: defined({ heartbeatS, inactiveAfterS }),
    limits: {
      ...defined({ devices, uploadBytes }),
      ...(storedBytes === undefined ? {} : { storedBytes: BigInt(storedBytes) }),
    },
    ...{ uniqueDeviceNames, offers, remoteAccess, closedToCsn },
  });
}

/** What a caller asks for. Refuses InvalidField. */
export function askedSettings(message: registry.NamespaceSettingsChanged): Settings {
  if (!["", "requested", "all"].includes(message.offers)) {
    throw new InvalidField("settings.offers", "must be requested or all");
  }
  return settingsOf(message);
}

/** Refuses InvalidField. */
export function checkSettings(settings: Settings): void {
  const { heartbeatS = limits.heartbeatS, inactiveAfterS } = settings;
  inRange("settings.liveness.heartbeat_s", settings.heartbeatS, limits.longestInactiveS);
  inRange("settings.liveness.inactive_after_s", inactiveAfterS, limits.longestInactiveS);
  if ((inactiveAfterS ?? limits.inactiveAfterS) < heartbeatS) {
    throw new InvalidField("settings.liveness.inactive_after_s", "must not be less than heartbeat_s");
  }
  inRange("settings.limits.devices", settings.devices, limits.livenessDevices);
  inRange("settings.limits.stored_bytes", settings.storedBytes, Number.MAX_SAFE_INTEGER);
  inRange("settings.limits.upload_bytes", settings.uploadBytes, 2 ** 32 - 1);
}

function inRange(field: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= most)) return;
  throw new InvalidField(field, `must be 1 to ${most}, or absent: the default`);
}

export function isSame(one: Settings, other: Settings): boolean {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof Settings>;
  return [...keys].every((key) => one[key] === other[key]);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
