import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { temporaryDir, until } from "@fieldlog/testkit";
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

describe.each(["mqtt", "mqtts", "ws", "wss"] as const)("MQTT by %s", (transport) => {
  it.each([4, 5] as const)("serves a client of version %i", async (protocolVersion) => {
    const name = { mqtt: "tcp", mqtts: "tls", ws: "ws", wss: "wss" }[transport];
    const version = protocolVersion === 5 ? "5" : "3.1.1";
    const told = `fieldlog_mqtt_connections{transport="${name}",version="${version}"}`;
    expect(await door.registry.metrics()).toContain(`${told} 0`);
    const client = await connectAsync(door.addresses[transport] as string, {
      ...{ protocolVersion, username: "u", password: "p", ca: await readFile(files.ca) },
    });
    await client.publishAsync("t", "hello", { qos: 1 });
    await client.publishAsync("t", "x".repeat(200_000), { qos: 2 });
    expect(door.published.slice(-2).map(({ payload }) => payload.length)).toEqual([5, 200_000]);
    expect(await door.registry.metrics()).toContain(`${told} 1`);
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

  it("takes a new certificate from its files while it runs, and keeps its own where the new one is no good", async () => {
    const other = await localCertificate({ dir: join(dir, "other"), hosts: ["127.0.0.1"] });
    const [old, renewed] = await Promise.all([
      readFile(files.server, "utf8"),
      readFile(other.server, "utf8"),
    ]);
    const shown = async (address = "") => {
      const socket = connectTls({ port: Number(new URL(address).port), rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const { mqtts, wss } = door.addresses;
    const before = new X509Certificate(old).fingerprint256;
    expect([await shown(mqtts), await shown(wss)]).toEqual([before, before]);
    // Another's key.
    const mixed =
      old.slice(0, old.indexOf("-----BEGIN PRIVATE")) + renewed.slice(renewed.indexOf("-----BEGIN PRIVATE"));
    const complaints = () => door.logged.filter((line) => line.includes("no good")).length;
    // And a file that is being written; two doors complain. At once and in this order: each says something else than the one
    // before, and than a look that meets both.
    for (const wrong of [mixed, old.slice(0, old.indexOf("-----BEGIN PRIVATE")), ""]) {
      const told = complaints();
      await writeFile(`${files.server}.new`, wrong);
      await rename(`${files.server}.new`, files.server);
      await until("the complaint", () => complaints() >= told + 2);
    }
    expect([await shown(mqtts), await shown(wss)]).toEqual([before, before]);
    await writeFile(files.server, renewed);
    const { fingerprint256: after, validTo } = new X509Certificate(renewed);
    await until(
      "the new certificate",
      async () => (await shown(mqtts)) === after && (await shown(wss)) === after,
    );
    expect(await door.registry.metrics()).toContain(
      `fieldlog_tls_certificate_not_after_timestamp_seconds ${Date.parse(validTo) / 1_000}`,
    );
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
