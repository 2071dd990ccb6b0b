// What the native API answers, as far as the CLI shows it. Times are RFC 3339. /openapi.json has all of it.

export interface Namespace {
  id: string;
  name: string;
  createdAt?: string;
  /** Absent: of an edge that has no more than one. */
  shard?: number;
}

export interface ApiKey {
  id: string;
  name?: string;
  kind: string;
  permission: string;
  /** Of kind cred: its first characters. */
  prefix?: string | null;
  /** Namespace id; absent or empty: all. */
  namespace?: string | null;
  createdAt?: string;
  expiresAt?: string | null;
  revokedAt?: string | null;
}

/** What boards sign with. */
export interface HmacKey {
  id: string;
  name: string;
  key: string;
  createdAt: string;
  expiresAt: string | null;
}

export interface Sensor {
  id: string;
  sensorType?: string;
  removed?: boolean;
  details?: Record<string, unknown>;
}

export interface Device {
  id: string;
  dialect?: string;
  registeredAt?: string;
  lastSeenAt?: string | null;
  status?: string;
  /** "active", "late", "inactive", as the CLI adds it; null: nothing was heard of it, or nobody knows just now. */
  state?: string | null;
  eventCount?: number;
  metadata?: Record<string, unknown>;
  sensors?: Sensor[];
  /** By attribute. */
  latestValues?: Record<string, { value: number; time?: string }>;
}

/** A CloudEvents 1.0 event with Fieldlog's extensions. */
export interface Event {
  position: number;
  type: string;
  /** As its sender gave it; else it ends in the device's id. */
  source: string;
  id: string;
  time?: string;
  device?: string;
  action?: string;
  value?: string;
  place?: string;
  /** What sensors measured, or any JSON that the sender gave. */
  data?: unknown;
  data_base64?: string;
}

export interface Subscription {
  id: string;
  name: string;
  owner: string;
  delivery: string | { webhook: { url: string; batch?: number } };
  filters?: object[];
  disabled: { reason: string } | null;
  status: {
    connected: boolean;
    position?: number | null;
    failingSince?: string | null;
    nextAttemptAt?: string | null;
    /** Of the namespace, behind where it is. */
    lag: { events: number; seconds: number };
    delivered: number;
    lastDeliveryAt: string | null;
    failures: number;
    lastError: string | null;
  };
}

/** A plain MQTT message. Its payload is in one of the two, as text where it is UTF-8. */
export interface Message {
  position: number;
  topic: string;
  /** Who sent it. */
  device: string;
  receivedAt?: string;
  qos?: number;
  retain?: boolean;
  contentType?: string | null;
  userProperties?: [string, string][];
  payload?: string;
  payloadBase64?: string;
}

/** How many days read models keep what devices reported; null: for ever. */
export interface Retention {
  measurementDays: number | null;
  logDays: number | null;
}

/** How a namespace is set; null: the default. */
export interface NamespaceSettings {
  heartbeatS: number | null;
  inactiveAfterS: number | null;
  uniqueDeviceNames: boolean;
  remoteAccess: boolean;
  openToCsn: boolean;
  devices: number | null;
  storedBytes: number | null;
  uploadBytes: number | null;
  offers: string;
}

export interface ReadModel {
  name: string;
  version: number;
  /** Applied. */
  sequence: number;
  /** The log's last. */
  logSequence: number;
  state: string;
  rebuildSequence?: number | null;
  parkedDevices?: number;
  reason?: string;
}

export interface DeadLetter {
  readModel: string;
  namespace: string;
  device: string;
  position: number;
  reason: string;
  parkedAt?: string;
}

/** What devices are asked for; times are null where it is data from now on. */
export interface DataRequest {
  id: string;
  number: number;
  state: string;
  /** Null: those near the points. */
  device: string | null;
  sensor: string | null;
  current: boolean;
  start: string | null;
  end: string | null;
  points: { latitude: number; longitude: number }[];
  withinM: number | null;
  expires: string;
  note: string;
  uploads: number;
}

/** What a device has uploaded, or will. */
export interface Reading {
  number: number;
  state: string;
  device: string;
  sensor: string;
  sensorType: string;
  /** Number of the data request. */
  request: number | null;
  start: string | null;
  end: string | null;
  format: string;
  fileName: string;
  offeredAt: string;
  storedAt: string | null;
  bytes: number | null;
  sha256: string | null;
  /** Null: what is in it is not known. */
  waveform?: {
    streams: {
      name: string;
      unit: string;
      count: number;
      min: number | null;
      max: number | null;
      mean: number | null;
    }[];
  } | null;
}

/** What a device is asked to sample. */
export interface Sampling {
  id: string;
  device: string;
  /** "queued" to "finished", or how it has ended. */
  state: string;
  place: number | null;
  percent: number | null;
  error: string | null;
  /** Number of what arrived. */
  sample: number | null;
  sensor: string | null;
  label: string;
  category: string;
  changedAt: string;
  endedAt: string | null;
}

export interface Sample {
  number: number;
  category: string;
  label: string | null;
  fileName: string;
  enabled: boolean;
  device: string | null;
  deviceType: string | null;
  sensor: string | null;
  sampling: string | null;
  signature: string | null;
  intervalMs: number | null;
  lengthMs: number | null;
  /** Rows. */
  values: number;
  axes: { name: string; units: string }[];
  metadata: Record<string, string>;
  mediaType: string;
  bytes: number;
  sha256: string;
  storedAt: string;
}

export interface SampleLabel {
  category: string;
  label: string | null;
  samples: number;
  bytes: number;
  lengthMs: number;
}

/** What devices come with that nobody has registered. */
export interface ProvisioningToken {
  id: string;
  name: string;
  enabled: boolean;
  createdAt: string;
  expiresAt: string | null;
  /** Devices that came in with it. */
  registrations: number;
  mostRegistrations: number | null;
}

/** A device that wants in, or did. */
export interface ProvisioningOperation {
  id: string;
  verificationCode: string;
  /** "pending", "approved", "completed", "cancelled", "expired" */
  state: string;
  device: string | null;
  askedDevice: string | null;
  address: string;
  attributes: Record<string, string>;
  begunAt: string;
  expiresAt: string;
}

export interface VersionedProperties {
  value: Record<string, unknown>;
  version: number;
  changedAt: string | null;
}

/** What is wanted of a device, what it says of itself, and its tags. */
export interface DeviceProperties {
  desired: VersionedProperties;
  reported: VersionedProperties;
  tags: VersionedProperties;
  /** Version of the desired ones that the device has taken, as far as it says. */
  takenVersion: number | null;
}

export interface PropertyChange {
  kind: string;
  version: number;
  /** JSON merge patch. */
  patch: Record<string, unknown>;
  changedAt: string;
  changedBy: string;
}

/** What is wanted of all devices with some tags, and how many have it, took it and failed. */
export interface FleetTemplate {
  name: string;
  revision: number;
  tags: Record<string, unknown>;
  reported: { field: string; op: string; value: unknown }[];
  /** JSON merge patch. */
  desired: Record<string, unknown>;
  stopAfterFailures: number | null;
  takeWithinS: number;
  setAt: string;
  /** Why; null: it goes on. */
  stopped: string | null;
  matching: number;
  applied: number;
  acknowledged: number;
  failed: number;
}

export interface FleetTemplateDevice {
  device: string;
  state: string;
  error: string | null;
  changedAt: string | null;
}

export interface StreamGroup {
  name: string;
  defaultGroup: boolean;
  streams: {
    name: string;
    concatenation: string;
    batchPattern: string;
    messagePattern: string;
    default: boolean;
  }[];
}

export interface StreamBatch {
  number: number;
  group: string;
  stream: string;
  device: string;
  id: string;
  state: string;
  messages: number;
  bytes: number;
  begunAt: string;
}

export interface StreamMessage {
  position: number;
  path: string;
  bytes: number;
  receivedAt: string;
}

/** A message that went into no stream. */
export interface DeadLetterOfStream {
  position: number;
  device: string;
  reason: string;
  group: string | null;
  stream: string | null;
  bytes: number;
  receivedAt: string;
}

/** What became of some sealed boxes of one service. */
export interface Resealed {
  readonly service: string;
  /** The first one seals. */
  readonly keyIds: readonly string[];
  /** By the key that had sealed them. */
  readonly found: Record<string, number>;
  readonly resealed: number;
  readonly next: string | null;
}
