import { randomInt } from "node:crypto";
import { keyHash } from "@fieldlog/admission";
import { limits, REGISTRY } from "@fieldlog/contracts";
import { type Answer, refusals } from "./answer.js";
import type { Subscribed } from "./clients.js";
import type { Cred, CredSettings } from "./parts.js";
import { type CredRequest, textOf } from "./request.js";

/** The namespace of keys that are good for all. */
const NAMESPACE = "default";
const SLOTS = 30;

/** POST /auth (B4): a new client with each, and its session. */
export async function authenticate(cred: Cred, { body, query }: CredRequest): Promise<Answer> {
  const given = { ...Object.fromEntries(query), ...body };
  const apiKey = textOf(given, "apikey") ?? "";
  const { namespace } = await keyOf(cred, apiKey);
  const name = textOf(given, "device");
  const location = textOf(given, "location");
  const subscribed = subscribedBy(given["subscribe"]);

  const { device } = await cred.devices.registerDevice({
    ...{ namespace, dialect: "cred" },
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(location === undefined ? {} : { locationDescription: location }),
    },
  });
  if (device === undefined) throw new TypeError("devices answered without a device");
  const number = Number(device.sequence);
  cred.ownWrites.note(namespace, REGISTRY, number);
  await subscribe(cred, namespace, device.id, subscribed);
  const client = { number, device: device.id, name: name ?? null, location: location ?? null };
  cred.clients.note(namespace, client, subscribed);
  const keyBytes = Buffer.from(keyHash(apiKey), "hex");
  const { token } = await cred.auth.startDeviceSession({ keyHash: keyBytes, namespace, device: device.id });
  await cred.sessions.beat({ namespace, device: device.id });
  return {
    status: 201,
    message: "Authenticated",
    more: {
      ...{ id: number, sessionKey: token, scheduled: scheduled(cred.settings) },
      PINGTimeout: cred.settings.pingTimeoutS,
    },
    headers: ["set-cookie", `sessionKey=${token}`],
  };
}

/** Raises Refusal 401, 429. */
async function keyOf({ known, now }: Cred, apiKey: string): Promise<{ namespace: string }> {
  const key = apiKey === "" ? undefined : await known.keys.get(keyHash(apiKey));
  if (key === undefined || (key.expiresAt !== undefined && key.expiresAt <= now()))
    throw refusals.invalidKey();
  if (!key.budget.take(now())) throw refusals.tooMany();
  if (key.namespace !== "") return { namespace: key.namespace };
  const found = await known.namespaces.get(NAMESPACE);
  if (found === undefined) throw refusals.invalidKey();
  return { namespace: found.id };
}

/** By event name, an object that may name a location; a text instead of it names none (B6). Raises Refusal 400. */
function subscribedBy(given: unknown): Subscribed[] {
  if (given === undefined || given === null) return [];
  if (typeof given !== "object" || Array.isArray(given))
    throw refusals.badRequest("subscribe is not an object");
  const entries = Object.entries(given as Record<string, unknown>);
  if (entries.length > limits.filtersPerSubscription) {
    throw refusals.badRequest(`subscribe names more than ${limits.filtersPerSubscription} events`);
  }
  return entries.map(([type, wanted]) => {
    if (type === "" || type.length > limits.textLength)
      throw refusals.badRequest("subscribe: no name of an event");
    if (typeof wanted === "string") return { type };
    if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) {
      throw refusals.badRequest(`subscribe: "${type.slice(0, 64)}" is not an object`);
    }
    const place = textOf(wanted as Record<string, unknown>, "location");
    return { type, ...(place === undefined ? {} : { place }) };
  });
}

async function subscribe(
  { subscriptions, ownWrites }: Cred,
  namespace: string,
  device: string,
  subscribed: readonly Subscribed[],
): Promise<void> {
  if (subscribed.length === 0) return;
  const owner = `device:${device}`;
  const { sequence } = await subscriptions.createSubscription({
    ...{ namespace, name: "cred", owner, decidedBy: owner, delivery: "poll", after: 0n },
    filters: subscribed.map(({ type, place }) => ({
      names: [type],
      places: place === undefined ? [] : [place],
    })),
  });
  ownWrites.note(namespace, REGISTRY, Number(sequence));
}

/** B8. Nobody enforces it. */
function scheduled({ scheduler, schedulerPeriodS }: CredSettings) {
  if (!scheduler) return { assigned: false, slot: null, period: null };
  return { assigned: true, slot: randomInt(1, SLOTS + 1), period: schedulerPeriodS };
}
