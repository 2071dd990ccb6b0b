import type { System } from "@fieldlog/testkit";
import { connect, type IClientOptions, type MqttClient } from "mqtt";

type Json = Record<string, unknown>;

/** A device that was provisioned, by the doors that devices and operators have. */
export interface ProvisionedDevice {
  readonly hubId: string;
  readonly password: string;
}

export async function call(system: System, method: string, path: string, body?: unknown): Promise<Json> {
  return ask(system, method, path, `Bearer ${system.adminKey}`, body);
}

async function ask(system: System, method: string, path: string, authorization: string, body?: unknown) {
  const response = await fetch(`${system.url}${path}`, {
    method,
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === "" ? {} : JSON.parse(text)) as Json;
}

/** Provisions the device in the workspace. */
export async function provision(system: System, workspace: string, id: string): Promise<ProvisionedDevice> {
  const created = await call(system, "POST", `/workspaces/${workspace}/provisioning-tokens/create`, {});
  const token = `DeviceToken ${String(created["provisioningToken"])}`;
  const begun = await ask(system, "POST", "/provisioning-operations/init", token, { deviceId: id });
  const { provisioningOperationId } = begun;
  await call(system, "PUT", `/workspaces/${workspace}/provisioning-operations/approve`, {
    provisioningOperationId,
  });
  const done = await ask(system, "PUT", "/provisioning-operations/complete", token, {
    provisioningOperationId,
  });
  const registration = `DeviceToken ${String(done["registrationToken"])}`;
  const opened = await ask(system, "PUT", "/devices/register", registration, {
    connectionStringType: "SharedAccessSignature",
  });
  const parts = String(opened["connectionString"])
    .split(";")
    .map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)] as const);
  const { DeviceId = "", SharedAccessSignature = "" } = Object.fromEntries(parts);
  return { hubId: DeviceId, password: SharedAccessSignature };
}

/** A message that came to the device. */
export interface Received {
  readonly topic: string;
  readonly text: string;
  readonly qos: number;
}

/** A device's connection, that keeps what it is sent. */
export interface HubClient {
  readonly client: MqttClient;
  readonly received: Received[];
}

export async function connectHub(
  system: System,
  { hubId, password }: ProvisionedDevice,
  more: IClientOptions = {},
): Promise<HubClient> {
  const received: Received[] = [];
  const client = connect(system.mqttUrl, {
    ...{ clientId: hubId, username: `localhost/${hubId}/?api-version=2018-06-30`, password },
    ...{ protocolVersion: 4, clean: false, reconnectPeriod: 0, ...more },
  });
  client.on("message", (topic, payload, { qos }) => received.push({ topic, text: payload.toString(), qos }));
  await new Promise((resolve, reject) => {
    client.on("connect", resolve);
    client.on("error", reject);
  });
  return { client, received };
}
