/**
 * The only place that spells a NATS subject or a stream's name.
 *
 *   signals.<namespace>                  facts, one message is one commit
 *   signals_<shard>.<namespace>          the same of the namespaces of another shard than the first
 *   registry.<namespace>.<kind>.<id>     decisions, one subject is one aggregate's history
 *
 *   mqtt.edge.<edge>                     asks one replica of the MQTT edge to give up a client
 *   mqtt.beats                           tells that a replica of the MQTT edge is alive
 *   remote.device.<namespace>.<device>   asks the edge that holds a device's connection; nobody listens: there is none
 *   remote.frames.<namespace>.<device>   what its camera sees, now
 *   tunnel.<tunnel>.<end>                bytes to one end of a tunnel: "operator", "device"
 *   tunnel.<tunnel>.join                 asks the operator's end to take the device's in
 *
 * `<namespace>` is a namespace's id, or `_` for what belongs to the installation.
 */

import { shardOf } from "./shard.js";

/** Facts, of the first shard. */
export const SIGNALS = "SIGNALS";
/** Facts: each shard has a stream of them. */
export type SignalsStream = typeof SIGNALS | `${typeof SIGNALS}_${number}`;
export const REGISTRY = "REGISTRY";
export type StreamName = SignalsStream | typeof REGISTRY;

export const ALL_REGISTRY = "registry.>";

/** The key-value bucket of MQTT sessions: `<namespace>.<client id>`. */
export const MQTT_SESSIONS = "MQTT_SESSIONS";
export const MQTT_BEATS = "mqtt.beats";

/** The key-value bucket of subscriptions' cursors: `<namespace>.<subscription>`. */
export const SUBSCRIPTION_CURSORS = "SUBSCRIPTION_CURSORS";

/** The key-value bucket of the keys with which devices' objects are encrypted: `<namespace>.<device>`. */
export const DEVICE_KEYS = "DEVICE_KEYS";

/** The key-value bucket of how far subscribers were told of decisions: `_.<kind>`. */
export const DECISIONS_TOLD = "DECISIONS_TOLD";
/** The same of samples and models. */
export const SAMPLE_KEYS = "SAMPLE_KEYS";
/** Key-value bucket with the keys of what devices send in streams. */
export const STREAM_KEYS = "STREAM_KEYS";

/** The key-value bucket of wrong verification codes: `<namespace>.<who tried>`; each goes when its time is over. */
export const WRONG_CODES = "WRONG_CODES";

/** The object store of a namespace's uploads. */
export function objectsBucket(namespace: string): string {
  return `READINGS_${token(namespace)}`;
}

/** In the place of a namespace: what belongs to the installation as a whole. */
export const INSTALLATION = "_";

export type AggregateKind =
  | "namespace"
  | "api-key"
  | "credential"
  | "device"
  | "device-name"
  | "configuration"
  | "user"
  | "session"
  | "member"
  | "subscription"
  | "clearing"
  | "data-request"
  | "upload"
  | "sampling"
  | "sample"
  | "sample-content"
  | "model"
  | "provisioning-token"
  | "provisioning-operation"
  | "registration"
  | "properties"
  | "fleet-template"
  | "stream"
  | "tunnel"
  | "end";

/** What clearing a namespace takes with it. Its keys, members, settings and users stay. */
export const CLEARED_KINDS: readonly AggregateKind[] = [
  "device",
  "credential",
  "device-name",
  "configuration",
  "subscription",
  "data-request",
  "upload",
  "sampling",
  "sample",
  "sample-content",
  "model",
  "registration",
  "properties",
  "tunnel",
];

/** What erasing a device takes with it; each is keyed by the device's id. That it was erased stays in `device`. */
export const ERASED_KINDS: readonly AggregateKind[] = [
  "credential",
  "configuration",
  "sampling",
  "registration",
  "properties",
  "tunnel",
];

export interface AggregateId {
  readonly namespace: string;
  readonly kind: AggregateKind;
  readonly id: string;
}

const PLAIN_TOKEN = /^[A-Za-z0-9_-]{1,120}$/;
const ENCODED_TOKEN = /^=[A-Za-z0-9_-]*$/;

/** A subject token for any id: itself where NATS allows it, otherwise `=` and base64url. */
export function token(id: string): string {
  return PLAIN_TOKEN.test(id) ? id : `=${Buffer.from(id, "utf8").toString("base64url")}`;
}

/** The id that {@link token} made the token from. */
export function untoken(text: string): string {
  return ENCODED_TOKEN.test(text) ? Buffer.from(text.slice(1), "base64url").toString("utf8") : text;
}

export function signalsSubject(namespace: string): string {
  return subjectIn(shardOf(namespace), token(namespace));
}

/** Of all signals of a shard. */
export function signalsOfShard(shard: number): string {
  return subjectIn(shard, "*");
}

/** Of commits without signals in a shard's stream, which are of no namespace. */
export function emptySignals(stream: SignalsStream): string {
  return subjectIn(shardOfStream(stream), INSTALLATION);
}

function subjectIn(shard: number, last: string): string {
  return shard === 0 ? `signals.${last}` : `signals_${shard}.${last}`;
}

/** The stream that holds a namespace's signals, for ever. */
export function signalsStream(namespace: string): SignalsStream {
  return streamOfShard(shardOf(namespace));
}

export function streamOfShard(shard: number): SignalsStream {
  return shard === 0 ? SIGNALS : `${SIGNALS}_${shard}`;
}

export function isSignalsStream(stream: string): stream is SignalsStream {
  return stream === SIGNALS || /^SIGNALS_[1-9]\d*$/.test(stream);
}

export function shardOfStream(stream: SignalsStream): number {
  return stream === SIGNALS ? 0 : Number(stream.slice(SIGNALS.length + 1));
}

export function registrySubject(id: AggregateId): string {
  return `registry.${token(id.namespace)}.${id.kind}.${token(id.id)}`;
}

/** The aggregate that tells what was cleared and erased in the installation. */
export const CLEARING: AggregateId = { namespace: INSTALLATION, kind: "clearing", id: "all" };

/** On which decisions without events tell how far the log is. */
export const END: AggregateId = { namespace: INSTALLATION, kind: "end", id: "all" };

/** Of the decisions on all aggregates of a kind in a namespace. */
export function registryOfNamespace(namespace: string, kind: AggregateKind): string {
  return `registry.${token(namespace)}.${kind}.*`;
}

/** Of the decisions on all aggregates of a kind, in every namespace. */
export function registryOfKind(kind: AggregateKind): string {
  return `registry.*.${kind}.*`;
}

/** What the edge that holds a device's connection is asked on. */
export function remoteDeviceSubject(namespace: string, device: string): string {
  return `remote.device.${token(namespace)}.${token(device)}`;
}

/** On which the pictures of a device's camera pass by, for those who look. */
export function remoteFramesSubject(namespace: string, device: string): string {
  return `remote.frames.${token(namespace)}.${token(device)}`;
}

/** The two ends of a tunnel. */
export type TunnelEnd = "operator" | "device";

/** On which the bytes to one end of a tunnel pass by. */
export function tunnelSubject(tunnel: string, to: TunnelEnd): string {
  return `tunnel.${token(tunnel)}.${to}`;
}

/** On which the device's end asks to be taken in. */
export function tunnelJoinSubject(tunnel: string): string {
  return `tunnel.${token(tunnel)}.join`;
}

/** What one replica of the MQTT edge is asked on. */
export function mqttEdgeSubject(edge: string): string {
  return `mqtt.edge.${token(edge)}`;
}

/** On which those replicas hear each other that deliver to webhooks. */
export const WEBHOOK_REPLICAS = "webhooks.replicas";

/** The namespace whose signals the subject carries. */
export function namespaceOfSignals(subject: string): string {
  return untoken(subject.slice(subject.indexOf(".") + 1));
}

/** The namespace of any subject; {@link INSTALLATION} for what belongs to the installation. */
export function namespaceOf(subject: string): string {
  return untoken(subject.split(".", 2)[1] ?? "");
}

/** The aggregate whose history the subject is. Raises TypeError for any other subject. */
export function aggregateOf(subject: string): AggregateId {
  const [root, namespace, kind, id, ...rest] = subject.split(".");
  if (root !== "registry" || !namespace || !kind || !id || rest.length > 0) {
    throw new TypeError(`not a registry subject: ${subject}`);
  }
  return { namespace: untoken(namespace), kind: kind as AggregateKind, id: untoken(id) };
}
