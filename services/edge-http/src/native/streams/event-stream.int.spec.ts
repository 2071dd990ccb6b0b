import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Credential } from "@fieldlog/admission";
import type { LoggedEvent } from "@fieldlog/events";
import type { EventCursor } from "@fieldlog/fan-out";
import { until } from "@fieldlog/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { EventStream, type Progress } from "./event-stream.js";

const NOW = 1_000_000;
let server: Server;
let client: Socket;
let heard = "";
let stream: EventStream;
/** What the stream of this test has told. */
let told: { closed: number; acknowledged: [position: number, delivered: number][]; released: number };
const cursor = { position: 100, start: () => undefined, end: () => undefined };

const event = (position: number, text = "") =>
  ({ position, json: () => Buffer.from(JSON.stringify({ position, text })) }) as LoggedEvent;

/** Delivers, from position 201 on, until neither the socket nor the kernel takes any more; the last position. */
async function fill(): Promise<number> {
  client.pause();
  let sent = 200;
  do {
    while (stream.hasRoom()) stream.deliver(event(++sent, "x".repeat(65_536)));
  } while (await stream.roomed(200));
  return sent;
}

beforeEach(async () => {
  const own: typeof told = { closed: 0, acknowledged: [], released: 0 };
  const progress: Progress = {
    acknowledge: (position, delivered) => own.acknowledged.push([position, delivered]),
    release: () => own.released++,
  };
  [told, heard, cursor.position] = [own, "", 100];
  const opened = Promise.withResolvers<EventStream>();
  server = createServer((_, response) => {
    const parts = { response, credential: {} as Credential, now: () => NOW, progress };
    const made = new EventStream({
      count: { count: 0 },
      ...parts,
      onClosed: () => own.closed++,
    });
    made.begin(cursor as unknown as EventCursor, 100);
    opened.resolve(made);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("data", (chunk) => {
    heard += chunk.toString("latin1");
  });
  client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  stream = await opened.promise;
  await until("it has begun", () => heard.includes("id: 100\n\n"));
});
afterEach(async () => {
  client.destroy();
  server.closeAllConnections();
  await once(server.close(), "close");
});

it("shows every 15 s that it is alive, and where it is if that has moved", async () => {
  heard = "";
  stream.tick(NOW + 14_999);
  stream.tick(NOW + 15_000);
  await until("there is a comment", () => heard.includes(":\n\n"));
  expect(heard).not.toContain("id:");
  cursor.position = 500;
  stream.tick(NOW + 30_000);
  await until("there is a position", () => heard.includes(":\n\nid: 500\n\n"));
});

it("acknowledges what the socket took, and what was passed over once nothing waits", async () => {
  stream.deliver(event(200));
  await until("the client has it", () => heard.includes("id: 200"));
  cursor.position = 300;
  stream.tick(NOW);
  expect(told.acknowledged.at(-1)).toEqual([300, 1]);
  expect(told.acknowledged.reduce((sum, [, delivered]) => sum + delivered, 0)).toBe(1);
});

it("acknowledges nothing that still waits in the socket, and tells its cursor to wait", async () => {
  const sent = await fill();
  cursor.position = sent;
  stream.tick(NOW);
  expect(told.acknowledged.at(-1)?.[0] ?? 0).toBeLessThan(sent);
  const roomed = stream.roomed();
  expect(await stream.roomed(50)).toBe(false);
  client.resume();
  expect(await roomed).toBe(true);
  await until("all of it is flushed", () => {
    stream.tick(NOW);
    return told.acknowledged.at(-1)?.[0] === sent;
  });
});

it("cuts off who has taken nothing for two minutes", async () => {
  await fill();
  stream.tick(NOW + 1_000);
  stream.tick(NOW + 120_000);
  expect(told.closed).toBe(0);
  stream.tick(NOW + 121_001);
  await until("it is gone", () => told.closed === 1);
  expect(told.released).toBe(1);
});

it("ends when it is told to, after what it was given", async () => {
  stream.deliver(event(200));
  stream.end("stopping");
  stream.end("stopping");
  await until("it is gone", () => told.closed === 1);
  await until("it was heard", () => heard.includes("id: 200"));
  expect([told.acknowledged.at(-1)?.[0], told.released]).toEqual([200, 1]);
});

it("acknowledges no more than was flushed when its client goes away", async () => {
  await fill();
  cursor.position = 1_000_000;
  client.destroy();
  await until("it is gone", () => told.closed === 1);
  expect(told.acknowledged.every(([position]) => position < 1_000_000)).toBe(true);
  expect(told.released).toBe(1);
});
