import { type auth, type projections, shardOf } from "@fieldlog/contracts";
import { cloudEventJson, type EventData } from "@fieldlog/events";

// gRPC's messages as the native API's JSON.

/** RFC 3339 of ms since 1970. */
export function time(ms: bigint | number): string {
  return new Date(Number(ms)).toISOString();
}

export function optionalTime(ms: bigint | undefined): string | null {
  return ms === undefined ? null : time(ms);
}

/** A CloudEvents 1.0 object, as JSON text. */
export function cloudEvent(event: projections.StoredEvent, namespaceName: string): string {
  const { device, identity, occurredAt, receivedAt, action, value, place, contributing } = event;
  const { source = "", datacontenttype, ...attributes } = attributesOf(event);
  return cloudEventJson({
    ...{ device, identity, occurredAt, receivedAt, action, value, place, contributing, source, attributes },
    ...{ namespace: namespaceName, position: Number(event.position), name: event.type },
    data: dataOf(event, datacontenttype ?? "application/json"),
  });
}

function attributesOf({ attributesJson }: projections.StoredEvent): Record<string, string> {
  return attributesJson === "" ? {} : JSON.parse(attributesJson);
}

function dataOf({ dataJson, data }: projections.StoredEvent, contentType: string): EventData | undefined {
  if (dataJson !== "") return { contentType, json: dataJson };
  return data.length === 0 ? undefined : { contentType, bytes: data };
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

export function messageJson({
  position,
  device,
  receivedAt,
  payload,
  publication,
}: projections.StoredMessage) {
  const text = textOf(payload);
  return {
    position: Number(position),
    topic: publication?.topic ?? "",
    device,
    receivedAt: time(receivedAt),
    qos: publication?.qos ?? 0,
    retain: publication?.retain ?? false,
    contentType: publication?.contentType || null,
    userProperties: (publication?.userProperties ?? []).map(({ key, value }) => [key, value]),
    ...(text === undefined ? { payloadBase64: Buffer.from(payload).toString("base64") } : { payload: text }),
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(payload: Uint8Array): string | undefined {
  try {
    return utf8.decode(payload);
  } catch {
    return undefined;
  }
}

/** By attribute. A time that RFC 3339 cannot write is told as the nearest that it can. */
export function latestJson(values: readonly projections.LatestValue[]) {
  const entries = values.map(({ attribute, value, occurredAt }) => {
    const ms = Math.max(YEAR_0_MS, Math.min(YEAR_10000_MS - 1, Math.round(occurredAt * 1000)));
    return [attribute, { value, time: time(ms) }];
  });
  return Object.fromEntries(entries);
}

const YEAR_0_MS = Date.parse("0000-01-01T00:00:00Z");
const YEAR_10000_MS = Date.UTC(10_000, 0);

export function retentionJson(retention: auth.Retention | undefined) {
  return {
    measurementDays: retention?.measurementDays ?? null,
    logDays: retention?.logDays ?? null,
  };
}

export function namespaceJson({ id, name, createdAt }: auth.Namespace) {
  return { id, name, createdAt: time(createdAt), shard: shardOf(id) };
}

export function keyJson(key: auth.ApiKey) {
  const { id, name, kind, permission, namespace } = key;
  return {
    ...{ id, name, kind, permission },
    prefix: key.prefix === "" ? null : key.prefix,
    namespace: namespace === "" ? null : namespace,
    createdAt: time(key.createdAt),
    expiresAt: optionalTime(key.expiresAt),
    revokedAt: optionalTime(key.revokedAt),
  };
}

export function hmacKeyJson({ id, name, key, createdAt, expiresAt }: auth.HmacKey) {
  return { id, name, key, createdAt: time(createdAt), expiresAt: optionalTime(expiresAt) };
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
