import type { auth, projections } from "@fieldlog/contracts";

// gRPC's messages as the native API's JSON.

/** RFC 3339 of ms since 1970. */
export function time(ms: bigint | number): string {
  return new Date(Number(ms)).toISOString();
}

export function optionalTime(ms: bigint | undefined): string | null {
  return ms === undefined ? null : time(ms);
}

/**
 * A CloudEvents 1.0 object, as JSON text: `data` is in the read model as JSON already, and is passed on
 * as it is.
 */
export function cloudEvent(event: projections.StoredEvent, namespaceName: string): string {
  const head = JSON.stringify({
    specversion: "1.0",
    id: event.identity === "" ? String(event.position) : event.identity,
    source: `/namespaces/${namespaceName}/devices/${encodeURIComponent(event.device)}`,
    type: event.type,
    time: time(event.occurredAt),
    datacontenttype: "application/json",
    position: Number(event.position),
  });
  return `${head.slice(0, -1)},"data":${event.dataJson === "" ? "null" : event.dataJson}}`;
}

export function deviceJson(device: projections.StoredDevice) {
  return {
    id: device.id,
    dialect: device.dialect,
    registeredAt: time(device.registeredAt),
    metadata: parse(device.metadataJson, {}),
    sensors: parse(device.sensorsJson, []),
    lastSeenAt: optionalTime(device.lastSeenAt),
    status: device.status === "" ? null : device.status,
    eventCount: Number(device.eventCount),
  };
}

export function namespaceJson({ id, name, createdAt }: auth.Namespace) {
  return { id, name, createdAt: time(createdAt) };
}

export function keyJson(key: auth.ApiKey) {
  const { id, name, kind, permission, namespace } = key;
  return {
    ...{ id, name, kind, permission },
    namespace: namespace === "" ? null : namespace,
    createdAt: time(key.createdAt),
    expiresAt: optionalTime(key.expiresAt),
    revokedAt: optionalTime(key.revokedAt),
  };
}

export function readModelJson(status: projections.ReadModelStatus) {
  const { name, version, state, parkedDevices, reason, rebuildSequence } = status;
  return {
    ...{ name, version, state, parkedDevices },
    sequence: Number(status.sequence),
    logSequence: Number(status.logSequence),
    rebuildSequence: rebuildSequence === undefined ? null : Number(rebuildSequence),
    reason: reason === "" ? null : reason,
  };
}

export function deadLetterJson(letter: projections.DeadLetter) {
  const { readModel, namespace, device, reason } = letter;
  return {
    ...{ readModel, namespace, device, reason },
    position: Number(letter.position),
    parkedAt: time(letter.parkedAt),
  };
}

function parse(text: string, absent: unknown): unknown {
  return text === "" ? absent : JSON.parse(text);
}
