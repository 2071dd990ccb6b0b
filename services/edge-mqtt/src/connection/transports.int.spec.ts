import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { temporaryDir } from "@fieldlog/testkit";
import { type CertificateFiles, localCertificate } from "@fieldlog/tls";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { TestDoor } from "./door.fixture.js";

let dir: string;
let files: CertificateFiles;
let door: TestDoor;

beforeAll(async () => {
  dir = await temporaryDir();
  files = await localCertificate({ dir: join(dir, "tls"), hosts: ["127.0.0.1"] });
  door = new TestDoor({ tlsCert: files.server, tlsKey: files.server });
  await door.start();
});
afterAll(async () => {
  await door.stop();
  await rm(dir, { recursive: true, force: true });
});

describe.each(["mqtt", "mqtts", "ws"] as const)("MQTT by %s", (transport) => {
  it.each([4, 5] as const)("serves a client of version %i", async (protocolVersion) => {
    const client = await connectAsync(door.addresses[transport] as string, {
      ...{ protocolVersion, username: "u", password: "p", ca: await readFile(files.ca) },
    });
    await client.publishAsync("t", "hello", { qos: 1 });
    await client.publishAsync("t", "x".repeat(200_000), { qos: 2 });
    expect(door.published.slice(-2).map(({ payload }) => payload.length)).toEqual([5, 200_000]);
    const name = transport === "mqtt" ? "tcp" : transport === "mqtts" ? "tls" : "ws";
    const version = protocolVersion === 5 ? "5" : "3.1.1";
    expect(await door.registry.metrics()).toContain(
      `fieldlog_mqtt_connections{transport="${name}",version="${version}"} 1`,
    );
    const delivered = new Promise<string>((resolve) => {
      client.on("message", (topic, payload) => resolve(`${topic}: ${payload.length}`));
    });
    const publication = {
      ...{ utf8: false, contentType: "", responseTopic: "", correlationData: Buffer.alloc(0) },
      ...{ userProperties: [], expiresAt: undefined },
    };
    const message = { position: 1, topic: "to/you", payload: Buffer.alloc(100_000), publication };
    const form = { qos: 0, dup: false, retain: false, subscriptionIds: [] } as const;
    door.lastSession.options.sink.publish({ message, ...form });
    expect(await delivered).toBe("to/you: 100000");
    await client.endAsync();
    expect(door.lastSession.closedWith).toEqual({ publishWill: false });
  });
});

describe("TLS", () => {
  it("is not spoken before version 1.2", async () => {
    const { port } = new URL(door.addresses.mqtts as string);
    const code = await new Promise((resolve) => {
      const options = { port: Number(port), rejectUnauthorized: false, ciphers: "DEFAULT@SECLEVEL=0" };
      const socket = connectTls({ ...options, minVersion: "TLSv1", maxVersion: "TLSv1.1" }, () =>
        resolve("open"),
      );
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(code).toMatch(/^ERR_SSL|^ECONNRESET/);
  });
});

describe("WebSocket", () => {
  const open = (...protocols: string[]) => {
    const socket = new WebSocket(door.addresses.ws, protocols);
    return new Promise<WebSocket | string>((resolve) => {
      socket.on("open", () => resolve(socket));
      socket.on("error", (error) => resolve(error.message));
    });
  };
  it("needs the subprotocol mqtt", async () => {
    expect(await open()).toContain("400");
    expect(await open("mqttv3.1")).toContain("400");
    const socket = (await open("other", "mqtt")) as WebSocket;
    expect(socket.protocol).toBe("mqtt");
    socket.terminate();
  });
  it("is closed where a frame is text", async () => {
    const socket = (await open("mqtt")) as WebSocket;
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.send("hello");
    expect(await closed).toBe(1003);
  });
  it("answers plain HTTP with what it wants", async () => {
    const response = await fetch(door.addresses.ws.replace("ws:", "http:"));
    expect([response.status, response.headers.get("upgrade")]).toEqual([426, "websocket"]);
  });
});
