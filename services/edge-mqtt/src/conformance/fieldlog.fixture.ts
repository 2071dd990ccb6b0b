import { randomBytes } from "node:crypto";
import {
  type System,
  type SystemOptions,
  startServers,
  startSystem,
  type TestServers,
} from "@fieldlog/testkit";
import type { Credential, Target } from "./suite.js";

/** A started Fieldlog with a namespace of its own, a key that may write there, and whoever else is needed. */
export interface Fieldlog {
  readonly servers: TestServers;
  readonly system: System;
  /** The namespace's id and name; tenta calls it a network. */
  readonly namespace: string;
  readonly namespaceName: string;
  /** The owner's token of tenta's REST API. */
  readonly token: string;
  readonly writer: Credential;
  /** A new device of the namespace. */
  device(name?: string): Promise<Device>;
  /** A request to the first edge-http; raises an Error unless it succeeds. */
  call<T>(method: string, path: string, body?: unknown, token?: string): Promise<T>;
  stop(): Promise<void>;
}

export interface Device extends Credential {
  readonly id: string;
}

export async function startFieldlog(
  label: string,
  options: Partial<SystemOptions> & { ownPostgres?: boolean } = {},
): Promise<Fieldlog> {
  const { ownPostgres, ...systemOptions } = options;
  const servers = ownPostgres ? await startServers({ ownPostgres }) : await startServers();
  const system = await startSystem({
    natsUrl: servers.nats.url,
    natsMonitorUrl: servers.nats.monitorUrl,
    postgresUrl: await servers.databaseUrl(label),
    apart: { "edge-mqtt": 1 },
    ...systemOptions,
  }).catch(async (error) => {
    await servers.stop();
    throw error;
  });
  const stop = async () => {
    await system.stop();
    await servers.stop();
  };
  async function call<T>(method: string, path: string, body?: unknown, token = system.adminKey): Promise<T> {
    const answer = await fetch(`${system.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
  try {
    const user = { user_name: `${label}-owner`, password: randomBytes(12).toString("hex") };
    const { access_token: token } = await call<{ access_token: string }>("POST", "/users", user);
    const namespaceName = `${label}-${randomBytes(3).toString("hex")}`;
    const { network_identifier: namespace } = await call<{ network_identifier: string }>(
      "POST",
      "/networks",
      { network_name: namespaceName },
      token,
    );
    const { key } = await call<{ key: string }>("POST", `/v1/namespaces/${namespace}/api-keys`, {
      kind: "native",
      permission: "write",
      name: label,
    });
    let devices = 0;
    return {
      servers,
      system,
      namespace,
      namespaceName,
      token,
      writer: { username: namespaceName, password: key },
      device: async (name = `sensor-${++devices}`) => {
        const made = await call<{ sensor_identifier: string; sensor_secret: string }>(
          "POST",
          `/networks/${namespace}/sensors`,
          { sensor_name: name },
          token,
        );
        const id = made.sensor_identifier;
        return { id, username: id, password: made.sensor_secret };
      },
      call,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The first edge-mqtt of a started Fieldlog, for the suite. */
export async function asTarget(fieldlog: Fieldlog): Promise<Target> {
  const { hostname, port } = new URL(fieldlog.system.mqttUrl);
  const device = await fieldlog.device();
  return {
    host: hostname,
    port: Number(port),
    writer: fieldlog.writer,
    device: { ...device, prefix: device.id },
    stop: () => fieldlog.stop(),
  };
}
