import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  defaultCacheDir,
  environment,
  isFree,
  obtainSpotflowDevice,
  type WithPackage,
} from "@fieldlog/servers";
import { startServers, startSystem } from "@fieldlog/testkit";
import { localCertificate } from "@fieldlog/tls";

/** Ports at which the vendor's client looks, whatever it is told (its reference, B4). */
const MQTT_PORT = 8883;
const UPLOAD_PORT = 443;

/** Says that the tests with the vendor's client are to run: they need ports that this machine may not have to give. */
export const WANTED = process.env["FIELDLOG_STOCK_SPOTFLOW"] === "1";

/** A started system under the ports that the client has built in. Raises Error where it cannot be had here. */
export async function startStock() {
  const client = await obtainSpotflowDevice({ cacheDir: defaultCacheDir(), progress: console.log });
  if (client === undefined) throw new Error("spotflow-device cannot be had here");
  for (const port of [MQTT_PORT, UPLOAD_PORT]) {
    if (!(await isFree(port))) throw new Error(`spotflow-device needs port ${port}, which is taken`);
  }
  const dir = await mkdtemp(join(tmpdir(), "fieldlog-stock-"));
  const files = await localCertificate({ dir, hosts: ["localhost"] });
  const servers = await startServers();
  const system = await startSystem({
    ...{ natsUrl: servers.nats.url, postgresUrl: await servers.databaseUrl("spotflow_stock") },
    inOneProcess: true,
    settings: {
      ...{ FIELDLOG_TLS_CERT: files.server, FIELDLOG_TLS_KEY: files.server },
      ...{ FIELDLOG_MQTTS_PORT: String(MQTT_PORT), FIELDLOG_HTTPS_PORT: String(UPLOAD_PORT) },
    },
  });
  const stop = async () => {
    await system.stop();
    await servers.stop();
    await rm(dir, { recursive: true });
  };
  return { client, dir, ca: files.ca, certificate: files.server, natsUrl: servers.nats.url, system, stop };
}

const execute = promisify(execFile);

/** Runs a script, whose last line is JSON; fails with what it wrote besides. */
export async function python(
  client: WithPackage,
  script: string,
  args: readonly string[],
  ca: string,
): Promise<Record<string, unknown>> {
  const { stdout } = await execute(client.python, ["-c", script, ...args], {
    env: environment({ ...client.env, SSL_CERT_FILE: ca }),
    timeout: 90_000,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

/** A TCP server on loopback. */
export async function serveTcp(serve: (socket: Socket) => void) {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined).on("close", () => open.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const hangUp = () => {
    server.close();
    for (const socket of open) socket.end();
  };
  return { port: (server.address() as AddressInfo).port, connections: () => open.size, hangUp };
}

/** A WebSocket server that knows TLS, such as a proxy in front of ours; `arrived` resolves when a client is let in. */
export async function serveSecurely(certificate: string) {
  const pem = await readFile(certificate);
  const server = createHttpsServer({ cert: pem, key: pem });
  const arrived = new Promise<void>((resolve) => {
    server.on("upgrade", ({ headers }, socket) => {
      const given = `${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash("sha1").update(given).digest("base64");
      const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
      socket.write(`HTTP/1.1 101 Switching\r\n${upgrade}Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.on("error", () => undefined);
      resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, arrived, stop };
}
