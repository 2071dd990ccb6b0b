import type { projections, remote } from "@fieldlog/contracts";

interface StoredSensor {
  readonly sensorType: string;
  readonly removed: boolean;
  readonly details: { readonly frequencies?: readonly number[]; readonly maxSampleLengthS?: number };
}

interface StoredMetadata {
  readonly name?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** The dialect's device: as it is stored, and as it is connected now. */
export function deviceJson(device: projections.StoredDevice, status: remote.RemoteStatus | undefined) {
  const { name = device.id, properties = {} } = parse<StoredMetadata>(device.metadataJson, {});
  const deviceType = status?.deviceType || properties["deviceType"];
  const info = status?.inferenceInfoJson;
  return {
    id: Number(device.number),
    deviceId: device.id,
    created: time(device.registeredAt),
    lastSeen: time(device.lastSeenAt ?? device.registeredAt),
    name,
    deviceType: typeof deviceType === "string" ? deviceType : "",
    sensors: parse<readonly StoredSensor[]>(device.sensorsJson, [])
      .filter(({ removed }) => !removed)
      .map(({ sensorType, details }) => ({
        name: sensorType,
        maxSampleLengthS: details.maxSampleLengthS ?? 0,
        frequencies: details.frequencies ?? [],
      })),
    remote_mgmt_connected: status !== undefined,
    remoteMgmtMode: status?.mode ?? "disconnected",
    supportsSnapshotStreaming: status?.snapshots ?? false,
    ...(info ? { inferenceInfo: JSON.parse(info) as unknown } : {}),
  };
}

function parse<T>(text: string, absent: T): T {
  return text === "" ? absent : (JSON.parse(text) as T);
}

function time(ms: bigint): string {
  return new Date(Number(ms)).toISOString();
}
