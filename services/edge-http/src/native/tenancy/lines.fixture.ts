import { until } from "@fieldlog/testkit";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { another } from "./doors.fixture.js";
import type { Place } from "./place.fixture.js";
import type { Provisioned } from "./provisioned.fixture.js";

/** A connection that a device keeps; each comes in, and tells with what it was let go. */
export type Lines = Record<string, () => Promise<{ readonly left: Promise<number>; close(): void }>>;

/** Where devices stay connected; who is not let in is an error with the code that it was told. */
export async function linesOf(place: Place, { hubId, password }: Provisioned): Promise<Lines> {
  const made = await place.operate("/devices", { name: "boiler" });
  const board = await place.key("edge-impulse");
  const device = { username: String(made["id"]), password: String(made["secret"]) };
  const hub = { username: `localhost/${hubId}/?api-version=2018-06-30`, password, clientId: hubId };
  return {
    "MQTT: a device": () => stay(place, device),
    "MQTT: a provisioned device": () => stay(place, hub),
    "WebSocket: a board": () => stayOnSocket(place, board),
  };
}

async function connect(place: Place, login: IClientOptions): Promise<MqttClient> {
  return connectAsync(place.native.system.mqttUrl, { protocolVersion: 5, reconnectPeriod: 0, ...login });
}

async function stay(place: Place, login: IClientOptions) {
  const client = await connect(place, login);
  const { promise: left, resolve } = Promise.withResolvers<number>();
  client.on("error", () => undefined);
  client.on("disconnect", ({ reasonCode = 0 }) => resolve(reasonCode));
  return { left, close: () => void client.endAsync(true) };
}

async function stayOnSocket(place: Place, apiKey: string) {
  const socket = new WebSocket(place.native.system.wsUrl);
  const { promise: left, resolve } = Promise.withResolvers<number>();
  const { promise: there, resolve: letIn, reject } = Promise.withResolvers<void>();
  socket.onclose = ({ code }) => {
    resolve(code);
    reject(Object.assign(new Error("not let in"), { code }));
  };
  socket.onmessage = ({ data }) => {
    if (String(data).includes('"hello":true')) letIn();
  };
  const hello = {
    version: 3,
    apiKey,
    deviceId: "board-1",
    deviceType: "BOARD",
    connection: "ip",
    sensors: [],
  };
  socket.onopen = () => socket.send(JSON.stringify({ hello }));
  await there;
  return { left, close: () => socket.close() };
}

/** What an API key publishes where it stays connected, though nothing is taken. The device is the provisioned one. */
export async function publishers(place: Place): Promise<Record<string, () => Promise<number>>> {
  const key = await place.key("native");
  const client = await connect(place, { username: "", password: key, clientId: another() });
  client.on("error", () => undefined);
  const socket = new WebSocket(`${place.native.system.wsUrl}/v1/subscribe`);
  const answers: { ref?: string; type: string; status?: number }[] = [];
  socket.onmessage = ({ data }) => answers.push(JSON.parse(String(data)) as (typeof answers)[number]);
  await until("open", () => socket.readyState === WebSocket.OPEN);
  const published = (topic: string) => () =>
    client.publishAsync(topic, "{}", { qos: 1 }).then(
      () => 0,
      ({ code }: { code: number }) => code,
    );
  return {
    "MQTT: a key's message": published("plain"),
    "MQTT: a key's event": published("events/porch-1/pick"),
    "WebSocket: a key's event": async () => {
      const ref = another();
      const event = { name: "pick" };
      socket.send(JSON.stringify({ type: "publish", key, ref, event }));
      const answer = await until("an answer", () => answers.find((one) => one.ref === ref));
      return answer.type === "published" ? 0 : (answer.status ?? -1);
    },
  };
}
