import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import type { WebSocket } from "ws";
import { Api, type Json } from "../client.fixture.js";
import { Firmware } from "./firmware.fixture.js";
import { JsonDevice } from "./json-device.fixture.js";

/** A started system, and devices that come to it. */
interface Parts {
  readonly servers: TestServers;
  readonly system: System;
  readonly api: Api;
  apiKey: string;
}

export let parts: Parts;
let devices = 0;
const open: { readonly socket: WebSocket }[] = [];

export async function start(): Promise<void> {
  const servers = await startServers();
  const postgresUrl = await servers.databaseUrl("remote");
  const system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true });
  parts = { servers, system, api: new Api(system), apiKey: "" };
  parts.apiKey = (await keyOf({ kind: "edge-impulse" })).key;
}

export async function stop(): Promise<void> {
  await parts?.system.stop();
  await parts?.servers.stop();
}

/** What is closed after the test. */
export function keep(connected: { readonly socket: WebSocket }): void {
  open.push(connected);
}

export function closeAll(): void {
  for (const { socket } of open.splice(0)) socket.terminate();
}

export async function keyOf(asked: Json): Promise<{ id: string; key: string }> {
  const { json } = await parts.api.call("POST", "namespaces/test/api-keys", asked);
  return { id: String(json["id"]), key: String(json["key"]) };
}

/** Of a device that nobody knows. */
export const newId = () => `15:FE:90:${++devices}`;
export const pathOf = (id: string) => `namespaces/test/devices/${encodeURIComponent(id)}`;
export const hello = (deviceId: string, more: Json = {}): Json => ({
  ...{ version: 3, apiKey: parts.apiKey, deviceId, deviceType: "PORTENTA_H7_M7", connection: "daemon" },
  sensors: [
    { name: "Camera (320x240)", frequencies: [], maxSampleLengthS: 60_000 },
    { name: "Accelerometer", frequencies: [100, 62.5], maxSampleLengthS: 600 },
  ],
  supportsSnapshotStreaming: true,
  ...more,
});

/** One that has said nothing yet. */
export async function stranger(): Promise<JsonDevice> {
  const device = await JsonDevice.open(parts.system.wsUrl);
  open.push(device);
  return device;
}

/** One that was answered. */
export async function present(said: Json): Promise<JsonDevice> {
  const device = await JsonDevice.present(parts.system.wsUrl, said);
  open.push(device);
  return device;
}

export async function board(deviceId = newId()): Promise<Firmware> {
  const device = await Firmware.connected(parts.system.wsUrl, {
    apiKey: parts.apiKey,
    deviceId,
    url: parts.system.url,
  });
  open.push(device);
  return device;
}

export const WAVE = {
  sensor: "Accelerometer",
  label: "wave",
  lengthMs: 1_000,
  intervalMs: 10,
  category: "training",
};

/** Asks the device to sample; resolves to the sampling's id. */
export async function ask(id: string, more: Json = {}): Promise<string> {
  const { status, json } = await parts.api.call("POST", `${pathOf(id)}/samples`, { ...WAVE, ...more });
  if (status !== 202) throw new Error(JSON.stringify(json));
  return String(json["id"]);
}

/** Waits until the sampling is in that state. */
export function reaches(id: string, sampling: string, state: string): Promise<Json> {
  return until(`it is ${state}`, async () => {
    const { json } = await parts.api.call("GET", `${pathOf(id)}/samples/${sampling}`);
    if (json["state"] !== state) throw new Error(JSON.stringify(json));
    return json;
  });
}
