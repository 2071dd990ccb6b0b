import { type Settings, settingsTable } from "@fieldlog/runtime";

type Key = keyof typeof settingsTable;

/** By service, the names of its ports and the settings that say which they are. */
const DOORS: Readonly<Record<string, Readonly<Record<string, Key>>>> = {
  "edge-http": { http: "httpPort", https: "httpsPort" },
  "edge-mqtt": { mqtt: "mqttPort", mqtts: "mqttsPort", "mqtt-ws": "mqttWsPort", "mqtt-wss": "mqttWssPort" },
  "edge-websocket": { websocket: "wsPort", wss: "wssPort" },
};

/** The ports that a service listens on under these settings, by name. */
export function portsOf(service: string, settings: Settings): Record<string, number> {
  const ports: Record<string, number> = {};
  for (const [name, key] of Object.entries(DOORS[service] ?? {})) ports[name] = settings[key] as number;
  const grpc = `${service}Grpc`;
  if (grpc in settingsTable) ports["grpc"] = portOf(settings[grpc as Key] as string);
  if (settings.opsPort !== undefined) ports["ops"] = settings.opsPort;
  return ports;
}

export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
