import type { auth, projections } from "@fieldlog/contracts";
import type { ClientCard } from "./known-clients.js";

// Our words as cred's (B3); the order of the keys is the original's.

/** RFC 822, whole seconds. @param ms since 1970 UTC */
export function time(ms: bigint): string {
  return new Date(Number(ms)).toUTCString().replace("GMT", "-0000");
}

export function uri(base: string, kind: "events" | "clients" | "apikeys", id: number): string {
  return `${base}/${kind}/${id}`;
}

/** @param device name of the device that it came from */
export function eventJson(base: string, event: projections.StoredEvent, device: string | null) {
  const { type, place = null, action = null, value = null, occurredAt } = event;
  const id = Number(event.position);
  const name = type === "" ? null : type;
  return {
    id,
    device,
    name,
    location: place,
    action,
    value,
    time: time(occurredAt),
    uri: uri(base, "events", id),
  };
}

export function clientJson(base: string, { number: id, name: device, location }: ClientCard) {
  return { id, device, location, uri: uri(base, "clients", id) };
}

/** @param apikey the key itself only in the answer that creates it; else as much of it as is kept */
export function apiKeyJson(base: string, key: auth.ApiKey, apikey = `${key.prefix}…`) {
  const id = Number(key.number);
  const { permission, createdAt } = key;
  return { id, apikey, permission, created: time(createdAt), uri: uri(base, "apikeys", id) };
}
