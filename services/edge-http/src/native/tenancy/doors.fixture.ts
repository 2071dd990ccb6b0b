import { until } from "@fieldlog/testkit";
import { Webhook } from "standardwebhooks";
import { bytes, dateOf, fieldsOf, heartbeat, len, num } from "../../csn/hand.fixture.js";
import { acquisition, json } from "../../edge-impulse/ingestion/documents.fixture.js";
import type { Place } from "./place.fixture.js";

/** Where devices come by HTTP; each asks, and tells the status of the answer. */
export type Doors = Record<string, () => Promise<number>>;

let last = 0;
/** Nobody else has it. */
export const another = () => `${Date.now()}-${++last}`;

export async function httpDoors(place: Place): Promise<Doors> {
  return { ...(await csnDoors(place)), ...(await keyDoors(place)), ...(await nativeDoors(place)) };
}

async function csnDoors(place: Place): Promise<Doors> {
  const path = `/api/v1/${place.name}`;
  const create = () => {
    const name = [...len(4, another())];
    return place.ask("POST", `${path}/client/create`, {}, bytes(len(1, name), len(2, num(2, 0))));
  };
  const fields = fieldsOf((await create()).data);
  const client = String(fields.find(({ field }) => field === 2)?.value);
  const secret = Buffer.from(fields.find(({ field }) => field === 3)?.value as Uint8Array).toString();
  let sent = 0;
  return {
    "CSN: a new client": async () => (await create()).status,
    "CSN: a heartbeat": () => {
      const signing = { id: ++sent, secret, date: dateOf(Date.now()) };
      return place.status("POST", `${path}/heartbeat/${client}`, {}, heartbeat(signing));
    },
  };
}

/** Those of the dialects whose devices show an API key. */
async function keyDoors(place: Place): Promise<Doors> {
  const [cred, board] = [await place.key("cred"), await place.key("edge-impulse")];
  const typed = { "content-type": "application/json" };
  const login = JSON.stringify({ apikey: cred, device: "Thermostat", location: "Hall" });
  const { sessionKey } = await place.json("POST", "/auth", {}, JSON.parse(login) as object);
  const sample = () => json(acquisition({ device_name: "board" }, "none"));
  return {
    "cred: a log-in": () => place.status("POST", "/auth", typed, login),
    "cred: an event": () => {
      const event = JSON.stringify({ event: { name: "Light", location: "Hall", action: "on" } });
      return place.status("POST", "/events", { ...typed, cookie: `sessionKey=${sessionKey}` }, event);
    },
    "Edge Impulse: a sample": () => {
      const headers = { ...typed, "x-api-key": board, "x-file-name": another() };
      return place.status("POST", "/api/training/data", headers, sample());
    },
  };
}

async function nativeDoors(place: Place): Promise<Doors> {
  const base = `/v1/namespaces/${place.name}`;
  const device = String((await place.operate("/devices", { name: "recorder" }))["id"]);
  const headers = {
    "content-type": "application/json",
    authorization: `Bearer ${await place.key("native")}`,
  };
  const event = JSON.stringify({ name: "pick" });
  const { secret } = await place.operate(`/devices/${device}/signing-secret`);
  const signed = () => {
    const [id, at] = [another(), new Date()];
    const signature = new Webhook(String(secret)).sign(id, at, event);
    const stamp = { "webhook-id": id, "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)) };
    return { ...stamp, "webhook-signature": signature, "fieldlog-device": device };
  };
  await place.operate("/requests", { device, current: true });
  const offer = { sensor: "0", current: true, format: "application/octet-stream" };
  const offers = JSON.stringify({ offers: [offer] });
  const urls = await until("upload URLs", async () => {
    const { answers } = await place.operate(`/devices/${device}/offers`, { offers: [offer, offer] });
    const found = (answers as ({ url: string } | null)[]).flatMap((answer) => answer?.url ?? []);
    return found.length === 2 && found;
  });
  return {
    "native: an event": () => place.status("POST", `${base}/events`, headers, event),
    "native: a signed event": () =>
      place.status("POST", `${base}/events`, { "content-type": "application/json", ...signed() }, event),
    "native: an offer": () => place.status("POST", `${base}/devices/${device}/offers`, headers, offers),
    // Each is good for one upload.
    "native: an upload": async () => {
      const status = await place.status("PUT", urls[0] ?? "", {}, "bytes");
      if (status < 300) urls.shift();
      return status;
    },
  };
}
