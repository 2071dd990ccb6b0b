import { isUtf8 } from "node:buffer";
import { limits } from "@fieldlog/contracts";
import { isJson } from "./cloud-event.js";
import * as check from "./fields.js";
import { InvalidEvent } from "./invalid-event.js";
import type { PublishedEvent } from "./published-event.js";
import { publishableName } from "./reserved.js";

/** Names of attributes (CloudEvents 1.0.2, section "Naming Conventions"); the length is a bound of ours. */
const NAME = /^[a-z0-9]{1,64}$/;
/** What we say of an event when we hand it on. */
const OURS = new Set(["position", "recordedtime", "contributing"]);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DEVICE_SOURCE = /^\/namespaces\/[^/]+\/devices\/([^/]+)$/;

/** A CloudEvent in JSON, structured mode (CloudEvents JSON format 1.0.2). Raises InvalidEvent. */
export function parseStructured(event: check.Fields): PublishedEvent {
  const { data, data_base64: base64, datacontenttype, ...attributes } = event;
  const contentType =
    datacontenttype === undefined ? "" : check.requiredText(datacontenttype, "datacontenttype");
  return attributesOf(attributes, contentType, structuredData(data, base64, contentType));
}

/**
 * A CloudEvent in binary mode: its attributes beside its data (HTTP: headers without "ce-"; MQTT 5: user
 * properties). Raises InvalidEvent.
 *
 * @param contentType of the data; empty: JSON
 * @param data kept; empty: none
 */
export function parseBinary(
  attributes: Iterable<readonly [name: string, value: string]>,
  contentType: string,
  data: Uint8Array,
): PublishedEvent {
  const given: Record<string, string> = Object.create(null);
  for (const [name, value] of attributes) {
    if (name in given) throw new InvalidEvent(name.slice(0, 64), "must be there once");
    given[name] = value;
  }
  const type = check.textOf(contentType, "datacontenttype");
  return attributesOf(given, type, data.length === 0 ? undefined : checkedJson(data, type));
}

function attributesOf(
  {
    specversion,
    id,
    source,
    type,
    time,
    subject,
    dataschema,
    device,
    action,
    value,
    place,
    ...others
  }: check.Fields,
  dataContentType: string,
  data: Uint8Array | undefined,
): PublishedEvent {
  if (specversion !== "1.0") throw new InvalidEvent("specversion", 'must be "1.0"');
  const from = check.inBytes(check.requiredText(source, "source"), "source");
  const deviceOfSource = DEVICE_SOURCE.exec(from)?.[1];
  return {
    identity: check.requiredText(id, "id", limits.idLength),
    name: publishableName(check.requiredText(type, "type"), "type"),
    device:
      device === undefined
        ? deviceOfSource && decoded(deviceOfSource)
        : check.requiredText(device, "device", limits.idLength),
    occurredAt: time === undefined ? undefined : check.timeOf(time, "time"),
    location: undefined,
    action: check.scalarOf(action, "action"),
    value: check.scalarOf(value, "value"),
    place: check.scalarOf(place, "place"),
    source: deviceOfSource === undefined ? from : "",
    subject: subject === undefined ? "" : check.requiredText(subject, "subject"),
    dataSchema: dataschema === undefined ? "" : check.requiredText(dataschema, "dataschema"),
    dataContentType: data === undefined ? "" : dataContentType,
    data,
    extensions: extensionsOf(others),
    readings: [],
  };
}

function decoded(segment: string): string {
  try {
    return check.requiredText(decodeURIComponent(segment), "source", limits.idLength);
  } catch {
    throw new InvalidEvent("source", "names no device");
  }
}

function extensionsOf(others: check.Fields): [string, string][] {
  const found: [string, string][] = [];
  for (const [name, value] of Object.entries(others)) {
    if (OURS.has(name)) continue;
    if (!NAME.test(name)) {
      throw new InvalidEvent(name.slice(0, 64), "must be named by lower-case letters and digits");
    }
    const text = check.scalarOf(value, name);
    if (text !== undefined) found.push([name, text]);
  }
  if (found.length > limits.extensionsPerEvent) {
    throw new InvalidEvent("", `has more than ${limits.extensionsPerEvent} extension attributes`);
  }
  return found;
}

/** JSON format, section 3.1: what is not JSON is a text, or base64. */
function structuredData(data: unknown, base64: unknown, contentType: string): Uint8Array | undefined {
  if (base64 !== undefined) {
    if (data !== undefined) throw new InvalidEvent("data_base64", "cannot stand beside data");
    if (typeof base64 !== "string" || !BASE64.test(base64)) {
      throw new InvalidEvent("data_base64", "must be base64");
    }
    return checkedJson(Buffer.from(base64, "base64"), contentType);
  }
  if (data === undefined) return undefined;
  if (isJson(contentType)) return check.jsonBytes(data, "data");
  if (typeof data === "string") return Buffer.from(data);
  throw new InvalidEvent("data", "must be a text, since datacontenttype is not JSON");
}

/** As it is, if it is what its type says; empty: JSON. Raises InvalidEvent. */
export function checkedJson(data: Uint8Array, contentType: string): Uint8Array {
  if (!isJson(contentType)) return data;
  const json = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
  try {
    if (!isUtf8(data)) throw new SyntaxError("not UTF-8");
    JSON.parse(json);
  } catch {
    throw new InvalidEvent("data", "must be JSON, as its content type says");
  }
  check.checkDepth(json, "data");
  return data;
}
