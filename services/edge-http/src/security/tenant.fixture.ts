import { create } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { encoded, until } from "@fieldlog/testkit";
import { bytes, fieldsOf, len, num } from "../csn/hand.fixture.js";
import { acquisition, json } from "../edge-impulse/ingestion/documents.fixture.js";
import { projectIdOf } from "../edge-impulse/studio/numbers.js";
import type { Json, Native } from "../native/native.fixture.js";
import { Place } from "../native/tenancy/place.fixture.js";
import { comesIn } from "./coming-in.fixture.js";

/** Of a namespace: ids of what is in it, as paths and bodies have them, and what lets somebody in, by name. */
export type Things = Readonly<Record<string, string>>;

/** A namespace with one of everything. */
export interface Tenant {
  readonly place: Place;
  readonly things: Things;
  /** What nobody may learn, by what it is. */
  readonly secrets: Things;
  /** Stands in what the namespace keeps and in nothing that is asked. */
  readonly canary: string;
}

const PASSWORD = "a pass phrase of nobody else";
const JSON_TYPE = { "content-type": "application/json" };

/** What is called the same in every tenant. */
const names = {
  ...{ group: "plant", stream: "press", template: "all", version: "1" },
  ...{ method: "reboot", port: "22", readModel: "events" },
};

type Made = Record<string, string>;

/** One part of a tenant: what it makes, and what of that is secret. */
type Part = (place: Place, canary: string) => Promise<{ things: Made; secrets: Made }>;

export async function tenant(native: Native, name: string): Promise<Tenant> {
  const place = await Place.make(native, name);
  const canary = `canary-${crypto.randomUUID().slice(0, 8)}`;
  const ids = { ns: place.id, network_identifier: place.id, project: String(projectIdOf(place.id)) };
  const things: Made = { ...ids, ...names };
  const secrets: Made = {};
  for (const part of [keys, people, devices, csn, cred, board, comesIn, data, streams, rest]) {
    const made = await part(place, canary);
    Object.assign(things, made.things);
    Object.assign(secrets, made.secrets);
  }
  return { place, things, secrets, canary };
}

const keys: Part = async (place) => {
  const made = async (kind: string, permission: string) => {
    const { id, key } = await place.operate("/api-keys", { kind, permission, name: permission });
    return { id: String(id), key: String(key) };
  };
  const read = await made("native", "read");
  const write = await made("native", "write");
  const admin = await made("native", "admin");
  const revoked = await made("native", "admin");
  const { key: hmac } = await place.operate("/api-keys", { kind: "hmac", name: "signs" });
  await place.json("DELETE", `${place.path}/api-keys/${revoked.id}`, place.operator);
  const secrets = { read: read.key, write: write.key, admin: admin.key, revoked: revoked.key };
  const operator = await place.json("POST", "/v1/api-keys", place.operator, { permission: "read" });
  return {
    things: { key: read.id, operatorKey: String(operator["id"]) },
    secrets: { ...secrets, hmac: String(hmac), operatorKey: String(operator["key"]) },
  };
};

/** An owner, an editor, a reader, and a session of the owner's that has ended. */
const people: Part = async (place, canary) => {
  const made: { things: Made; secrets: Made } = { things: {}, secrets: {} };
  for (const role of ["owner", "editor", "reader"]) {
    const user_name = `${role}-${crypto.randomUUID().slice(0, 8)}`;
    const login = { user_name, password: `${PASSWORD} ${user_name}` };
    const { user_identifier, access_token } = await place.json("POST", "/users", JSON_TYPE, login);
    await place.json("PUT", `${place.path}/members`, place.operator, { name: user_name, role });
    Object.assign(made.things, { [`${role}Name`]: user_name, [role]: String(user_identifier) });
    const secrets = { [`${role}Session`]: String(access_token), [`${role}Password`]: login.password };
    Object.assign(made.secrets, secrets);
    if (role !== "owner") continue;
    const other = String((await place.json("POST", "/authentication", JSON_TYPE, login))["access_token"]);
    await place.status("DELETE", "/authentication", { authorization: `Bearer ${other}` });
    const shown = { authorization: `Bearer ${String(access_token)}` };
    const path = `/networks/${place.id}/sensors`;
    const sensor = await place.json("POST", path, shown, { sensor_name: `${canary}-3` });
    made.things["sensor_identifier"] = String(sensor["sensor_identifier"]);
    Object.assign(made.secrets, { endedSession: other, sensorPassword: String(sensor["sensor_secret"]) });
  }
  return made;
};

const devices: Part = async (place, canary) => {
  const device = await place.operate("/devices", { name: canary });
  const other = await place.operate("/devices", { name: `${canary}-2` });
  const signing = async ({ id }: Json) =>
    String((await place.operate(`/devices/${id}/signing-secret`))["secret"]);
  const editing = async ({ id }: Json) => String((await place.operate(`/devices/${id}/edit-token`))["token"]);
  return {
    things: { device: String(device["id"]), other: String(other["id"]) },
    secrets: {
      ...{ devicePassword: String(device["secret"]), otherPassword: String(other["secret"]) },
      ...{ signingSecret: await signing(device), otherSigningSecret: await signing(other) },
      ...{ editToken: await editing(device), otherEditToken: await editing(other) },
    },
  };
};

/** A client, from before the namespace was closed to whoever likes. */
const csn: Part = async (place, canary) => {
  const path = `/api/v1/${place.name}/client/create`;
  const name = [...len(4, `${canary}-4`)];
  const { data } = await place.ask("POST", path, {}, bytes(len(1, name), len(2, num(2, 0))));
  const fields = fieldsOf(data);
  const secret = fields.find(({ field }) => field === 3)?.value as Uint8Array;
  await place.json("PATCH", `${place.path}/settings`, place.operator, { openToCsn: false });
  return {
    things: { client: String(fields.find(({ field }) => field === 2)?.value) },
    secrets: { clientSecret: Buffer.from(secret).toString() },
  };
};

/** A client of each permission, and one whose key is revoked. */
const cred: Part = async (place, canary) => {
  const secrets: Made = {};
  const things: Made = {};
  for (const permission of ["read", "write", "admin", "revoked"]) {
    const body = { kind: "cred", permission: permission === "revoked" ? "admin" : permission };
    const key = await place.operate("/api-keys", { ...body, name: canary });
    const login = { apikey: key["key"], device: canary, location: canary };
    const { id, sessionKey } = await place.json("POST", "/auth", JSON_TYPE, login);
    secrets[`${permission}CredKey`] = String(key["key"]);
    secrets[`${permission}CredSession`] = String(sessionKey);
    things["credClient"] = String(id);
    if (permission === "revoked")
      await place.json("DELETE", `${place.path}/api-keys/${key["id"]}`, place.operator);
  }
  const cookie = { ...JSON_TYPE, cookie: `sessionKey=${secrets["adminCredSession"]}` };
  const event = { event: { name: canary, location: canary, action: "on" } };
  const made = await place.json("POST", "/events", cookie, event);
  things["credEvent"] = String((made["event"] as Json)["id"]);
  const listed = await place.json("GET", "/apikeys", cookie);
  things["credKey"] = String(((Object.values(listed).find(Array.isArray) as Json[])[0] as Json)["id"]);
  return { things, secrets };
};

const board: Part = async (place, canary) => {
  const shown = { authorization: place.operator.authorization };
  const headers = { "x-api-key": await place.key("edge-impulse"), "x-file-name": canary, "x-label": canary };
  const document = acquisition({ device_name: canary }, "none");
  await place.ask("POST", "/api/training/data", { ...headers, ...JSON_TYPE }, json(document));
  const [sample] = (await place.json("GET", `${place.path}/samples`, shown))["samples"] as Json[];
  const boardDevice = `board-${crypto.randomUUID().slice(0, 8)}`;
  const project = `/v1/api/${projectIdOf(place.id)}`;
  await place.json("POST", `${project}/devices/create`, headers, { deviceId: boardDevice });
  const models = `${place.path}/models?name=${canary}`;
  const binary = { "content-type": "application/octet-stream" };
  await place.ask("POST", models, { ...shown, ...binary }, "a model");
  const { id } = await place.operate("/requests", { device: "nobody", current: true, note: canary });
  return {
    things: { boardDevice, sample: String(sample?.["number"]), request: String(id) },
    secrets: { boardKey: headers["x-api-key"] },
  };
};

/** A recorded stretch of data, and an upload URL that nobody has used. */
const data: Part = async (place) => {
  const { things } = await devices(place, `offers-${crypto.randomUUID().slice(0, 8)}`);
  const device = things["device"];
  await place.operate("/requests", { device, current: true });
  const offer = { sensor: "0", current: true, format: "application/octet-stream" };
  const answers = await until("upload URLs", async () => {
    const asked = await place.operate(`/devices/${device}/offers`, { offers: [offer, offer] });
    const found = (asked["answers"] as ({ url: string; reading: number } | null)[]).flatMap(
      (one) => one ?? [],
    );
    return found.length === 2 && found;
  });
  const [stored, open] = answers;
  await place.status("PUT", stored?.url ?? "", {}, "what was recorded");
  const number = String(stored?.reading);
  const { token } = await place.operate(`/readings/${number}/tokens`);
  const upload = open?.url.split("/").at(-1) ?? "";
  return {
    things: { reading: number, recorder: String(device) },
    secrets: { upload, download: String(token) },
  };
};

/** A message of a stream, and a batch of it. */
const streams: Part = async (place, canary) => {
  const { log } = place.native;
  const json = (method: string, path: string, body = {}) =>
    place.json(method, `${place.path}${path}`, place.operator, body);
  const stream = { concatenation: "lines", messagePattern: "{sequenceId}" };
  await json("PUT", "/stream-groups/plant/streams/press", stream);
  await json("PUT", "/stream-groups/plant", { defaultStream: "press", defaultGroup: true });
  const now = BigInt(Date.now());
  for (const value of [{ payload: Buffer.from(canary) }, { completesBatch: true, noPayload: true }]) {
    const signal = create(signals.SignalSchema, {
      ...{ device: "d1", receivedAt: now, occurredAt: now },
      body: { case: "streamMessage", value: create(signals.StreamMessageSchema, { batch: "b1", ...value }) },
    });
    await log.signals.append(place.id, encoded(signal));
  }
  const batch = await until("the batch is complete", async () => {
    const query = "/streams/batches?state=complete";
    const [found] = (await place.json("GET", `${place.path}${query}`, place.operator))["batches"] as Json[];
    return found;
  });
  const listed = await place.json("GET", `${place.path}/streams/messages?batch=b1`, place.operator);
  const [message] = listed["messages"] as Json[];
  const stored = String(message?.["path"]).split("/").map(encodeURIComponent).join("/");
  return {
    things: { batch: String(batch["number"]), position: String(message?.["position"]), path: stored },
    secrets: {},
  };
};

/** A subscription, a webhook, a fleet template and a sampling that waits. */
const rest: Part = async (place, canary) => {
  const poll = await place.operate("/subscriptions", { name: canary, delivery: "poll" });
  const url = "https://hooks.example/x";
  const never = { names: ["never"] };
  const webhook = { name: canary, filter: never, delivery: { webhook: { url } } };
  const hook = await place.operate("/subscriptions", webhook);
  const template = { tags: { [canary]: "x" }, desired: { rate: 60 } };
  await place.json("PUT", `${place.path}/fleet-templates/all`, place.operator, template);
  const { id: device } = await place.operate("/devices", { name: `${canary}-5` });
  const sampling = { label: canary, lengthMs: 10, intervalMs: 1 };
  const { id } = await place.operate(`/devices/${device}/samples`, sampling);
  return {
    things: {
      ...{ subscription: String(poll["id"]), webhook: String(hook["id"]) },
      ...{ sampled: String(device), sampling: String(id) },
    },
    secrets: { webhookSecret: String(hook["secret"]) },
  };
};
