import { until } from "@fieldlog/testkit";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import type { Sides } from "./attacks.fixture.js";
import type { Tenant, Things } from "./tenant.fixture.js";

const VERSION = "/?api-version=2018-06-30";
/** From here on an MQTT 5 reason code is a refusal. */
const REFUSED = 0x80;
export const FORGED = "forged-by-somebody-else";

const signed = (token: string) => `SharedAccessSignature sr=x&sig=${token}`;
const hub = (id: string) => ({ username: `localhost/${id}${VERSION}`, clientId: id });

/** What is no password, though it opens something else, or did. */
const NO_PASSWORDS = [
  ...["revoked", "signingSecret", "editToken", "ownerSession", "adminCredSession", "clientSecret"],
  ...["hmac", "provisioning", "registration", "upload", "webhookSecret"],
];

/** Log-ins with which nobody comes in. */
function wrongLogins({ attacker, victim }: Sides): Record<string, IClientOptions> {
  const [its, ours] = [of(attacker), of(victim)];
  const { id: ns } = victim.place;
  const device = ours("device");
  const others = NO_PASSWORDS.flatMap((name) => [
    [`whoever has ${name}`, { username: ns, password: ours(name) }],
    [`a device with ${name}`, { username: device, password: ours(name) }],
  ]);
  return {
    nobody: {},
    "a device without a password": { username: device },
    "another's device by this one's id": {
      ...{ username: `${ns}/${device}`, password: its("devicePassword") },
    },
    "another's device, in this namespace": {
      ...{ username: `${ns}/${its("device")}`, password: its("devicePassword") },
    },
    "a device with its neighbour's password": { username: device, password: ours("otherPassword") },
    "a sensor with another's password": {
      ...{ username: ours("sensor_identifier"), password: its("sensorPassword") },
    },
    "a provisioned device with another's signature": { ...hub(ours("hub")), password: its("connection") },
    "a provisioned device of another client id": {
      ...{ ...hub(ours("hub")), clientId: its("hub"), password: ours("connection") },
    },
    "a provisioned device with what it registers with": {
      ...{ ...hub(ours("hub")), password: signed(ours("registration")) },
    },
    "a provisioned device with a guess": { ...hub(ours("hub")), password: signed("0".repeat(64)) },
    ...Object.fromEntries(others),
  };
}

/** What a tenant has by that name. */
function of({ things, secrets }: Tenant): (name: string) => string {
  return (name) => things[name] ?? secrets[name] ?? "";
}

/** Topics that only the tenant's own devices may publish to. */
function topicsOf({ ns, device, sensor_identifier: sensor, hub: id }: Things): string[] {
  return [
    ...[`events/${device}/pick`, `${device}/state`, `${ns}/state`, `${ns}/${device}/state`],
    ...["measurements", "heartbeats", "acknowledgments", "logs", "log-messages", "configurations"].map(
      (root) => `${root}/${sensor}`,
    ),
    `devices/${id}/messages/events/`,
    `devices/${id}/messages/devicebound/note=x`,
    // Their own is told by who is connected: the names of others have no place in these.
    ...["$iothub/twin/PATCH/properties/desired/?$version=9", "$iothub/methods/POST/reboot/?$rid=1"],
  ];
}

const filtersOf = ({ ns, device, sensor_identifier: sensor, hub: id }: Things): string[] => [
  ...["#", "+", "+/+", "$share/group/#", "$SYS/#", "$iothub/#", "kept/#", "devices/#"],
  ...[`${ns}/#`, `${device}/#`, `+/${device}`, `measurements/${sensor}`, `configurations/${sensor}`],
  ...[`devices/${id}/messages/devicebound/#`, `devices/${id}/#`],
];
/** Which devices of one namespace react to. */
const OPEN = ["events/#", "$share/group/events/#"];

const connect = (url: string, login: IClientOptions): Promise<MqttClient> =>
  connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, connectTimeout: 10_000, ...login });

/** The reason code of a refusal; 0: it was not refused. */
const codeOf = (done: Promise<unknown>): Promise<number> =>
  done.then(
    (granted) => (Array.isArray(granted) ? Number(granted[0]?.qos ?? 0) : 0),
    ({ code }: { code?: unknown }) => (typeof code === "number" ? code : REFUSED),
  );

/** Log-ins that are not refused, in words. */
export async function wronglyLetIn(url: string, sides: Sides): Promise<string[]> {
  const wrong: string[] = [];
  for (const [who, login] of Object.entries(wrongLogins(sides))) {
    const client = await connect(url, { clientId: "", ...login }).catch(() => undefined);
    if (client === undefined) continue;
    wrong.push(`${who} is let in`);
    await client.endAsync(true);
  }
  return wrong;
}

/** Somebody who is connected, and what comes to them. */
export interface Listener {
  readonly who: string;
  readonly got: string[];
  readonly client: MqttClient;
}

async function listener(url: string, who: string, login: IClientOptions): Promise<Listener> {
  const client = await connect(url, { clientId: crypto.randomUUID(), ...login });
  const got: string[] = [];
  client.on("error", () => undefined);
  client.on("message", (topic, payload) => got.push(`${topic} ${payload.toString()}`));
  return { who, got, client };
}

/** A tenant's own who connect: one that was given a password, and one that came in by itself. */
export function devicesOf(url: string, tenant: Tenant): Promise<[Listener, Listener]> {
  const own = of(tenant);
  return Promise.all([
    listener(url, "a device", { username: own("other"), password: own("otherPassword") }),
    listener(url, "a provisioned device", { ...hub(own("hub")), password: own("connection") }),
  ]);
}

/** Whoever has a tenant's key, and says as user name the namespace that is wanted. */
export function keyOf(url: string, { secrets }: Tenant, key: string, wanted: Tenant): Promise<Listener> {
  return listener(url, `whoever has ${key}`, { username: wanted.place.id, password: secrets[key] ?? "" });
}

/** Tries all topics of the things; what somebody may do to them who may not, in words. */
export async function reach(
  { who, client }: Listener,
  things: Things,
  { mayPublish, maySubscribe }: { mayPublish: boolean; maySubscribe: boolean },
): Promise<string[]> {
  const wrong: string[] = [];
  for (const filter of filtersOf(things)) {
    const code = await codeOf(client.subscribeAsync(filter, { qos: 1 }));
    if (code < REFUSED && !maySubscribe) wrong.push(`${who} subscribes to ${filter}`);
  }
  for (const filter of OPEN) await codeOf(client.subscribeAsync(filter, { qos: 1 }));
  for (const topic of topicsOf(things)) {
    const code = await codeOf(client.publishAsync(topic, FORGED, { qos: 1, retain: true }));
    if (code < REFUSED && !mayPublish) wrong.push(`${who} publishes to ${topic}`);
  }
  return wrong;
}

/** The tenant's own say something on all that others might hear. */
export async function says(url: string, tenant: Tenant): Promise<void> {
  const { place, things, secrets, canary } = tenant;
  const { client } = await keyOf(url, tenant, "admin", tenant);
  const { device, sensor_identifier: sensor, hut } = things;
  for (const topic of [`events/${device}/pick`, `kept/${canary}`, `${device}/${canary}`]) {
    const payload = JSON.stringify({ value: canary });
    await client.publishAsync(topic, payload, { qos: 1, retain: topic.startsWith("kept") });
  }
  await client.endAsync();
  const shown = { authorization: `Bearer ${secrets["ownerSession"]}`, "content-type": "application/json" };
  const configurations = `/networks/${place.id}/sensors/${sensor}/configurations`;
  await place.json("POST", configurations, shown, { canary });
  await until("the configuration is published, which is decided, too", async () => {
    const { data } = await place.ask("GET", configurations, shown);
    const all = JSON.parse(Buffer.from(data).toString()) as { publication_timestamp: number | null }[];
    return all.every(({ publication_timestamp: at }) => at !== null);
  });
  await place.operate(`/devices/${hut}/messages`, { canary });
}

/** All of them hear what is said last. */
export async function hear(listeners: readonly Listener[], marker: string): Promise<void> {
  for (const { who, got } of listeners) {
    await until(`${who} hears the last`, () => got.some((message) => message.includes(marker)));
  }
}
