import { idOf } from "./identity.js";
import { instant } from "./instant.js";

/** An event, however it is kept, as its one form outwards needs it. Times are ms since 1970 UTC. */
export interface EventParts {
  readonly position: number;
  /** Name of its namespace. */
  readonly namespace: string;
  readonly device: string;
  /** Empty: nobody gave one. */
  readonly identity: string;
  /** Empty: it has none. */
  readonly name: string;
  readonly occurredAt: number | bigint;
  readonly receivedAt: number | bigint;
  readonly action?: string | undefined;
  readonly value?: string | undefined;
  readonly place?: string | undefined;
  /** Of a pick that was read from tables: whether its device was active. */
  readonly contributing?: boolean | undefined;
  /** As its sender gave it; empty: the device. */
  readonly source: string;
  /** Attributes and extensions that have no part of their own here: subject, dataschema ... */
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: EventData | undefined;
}

export type EventData =
  | { readonly contentType: string; readonly json: string }
  | { readonly contentType: string; readonly bytes: Uint8Array };

/** What CloudEvents asks for where an event has no name: `type` may not be empty. */
const UNNAMED = "unnamed";
const LINE_BREAKS = /[\r\n]+/g;

/**
 * The event as a CloudEvents 1.0 object in JSON, on one line: its form on every way out. Extension attributes of
 * ours are `device`, `action`, `value`, `place`, `contributing` (of picks, where that is known), `recordedtime` (when an
 * edge took it) and `position`.
 */
export function cloudEventJson(event: EventParts): string {
  const { position, namespace, device, identity, action, value, place, source, attributes, data } = event;
  const { contributing } = event;
  let json = `{"specversion":"1.0","id":${quoted(idOf(identity, source) || String(position))}`;
  json += `,"source":${quoted(source === "" ? sourceOf(namespace, device) : source)}`;
  json += `,"type":${quoted(event.name === "" ? UNNAMED : event.name)},"time":"${instant(event.occurredAt)}"`;
  if (data !== undefined) json += `,"datacontenttype":${quoted(data.contentType)}`;
  for (const name in attributes) json += `,${quoted(name)}:${quoted(attributes[name] as string)}`;
  json += `,"device":${quoted(device)}`;
  if (action !== undefined) json += `,"action":${quoted(action)}`;
  if (value !== undefined) json += `,"value":${quoted(value)}`;
  if (place !== undefined) json += `,"place":${quoted(place)}`;
  if (contributing !== undefined) json += `,"contributing":${contributing}`;
  json += `,"recordedtime":"${instant(event.receivedAt)}","position":${position}`;
  return data === undefined ? `${json}}` : `${json},${dataMember(data)}}`;
}

/** Whether data of that content type is JSON (CloudEvents 1.0, JSON format, section 3.1). */
export function isJson(contentType: string): boolean {
  const [type = ""] = contentType.split(";", 1);
  return contentType === "" || /[/+]json$/i.test(type.trim());
}

function dataMember(data: EventData): string {
  // Outside of its texts, which hold none, JSON may have line breaks; on one line it fits into any stream.
  if ("json" in data) return `"data":${data.json.replace(LINE_BREAKS, " ")}`;
  if (/^text\//i.test(data.contentType)) {
    const text = Buffer.from(data.bytes).toString();
    if (!text.includes("\ufffd")) return `"data":${JSON.stringify(text)}`;
  }
  return `"data_base64":"${Buffer.from(data.bytes).toString("base64")}"`;
}

function sourceOf(namespace: string, device: string): string {
  return `/namespaces/${namespace}/devices/${encodeURIComponent(device.toWellFormed())}`;
}

/** Letters, digits and marks that stand for themselves in JSON. */
const PLAIN = /^[\w .:/-]*$/;

/** A text in JSON. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
