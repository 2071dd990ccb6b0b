import { isAbsolute, relative } from "node:path";
import type { Secret } from "./secrets.js";

export interface Welcome {
  httpUrl: string;
  httpsUrl: string;
  mqttUrl: string;
  mqttsUrl: string;
  mqttWsUrl: string;
  mqttWssUrl: string;
  wsUrl: string;
  wssUrl: string;
  /** The certificate authority that clients must trust, where it is our own. */
  ca: string | undefined;
  natsUrl: string;
  natsMonitorUrl: string | undefined;
  postgresUrl: string;
  durability: string;
  dataDir: string;
  adminKey: Secret;
  /** http://host:port of /healthz, /readyz and /metrics; undefined where each process has its own. */
  opsUrl: string | undefined;
  /** Of the processes that were started, a line each (`processTable`); empty in one process. */
  processes: readonly string[];
}

/** What is printed when everything runs: where, how safe, the key, and a command to try. */
export function welcome(w: Welcome): string {
  const file = fromHere(w.adminKey.file);
  const key = w.adminKey.isNew
    ? `${w.adminKey.value}\n             (shown this once; kept in ${file})`
    : `in ${file}`;
  const authority = w.ca ? `\n  TLS        trust the authority in ${fromHere(w.ca)}` : "";
  const mqtt = new URL(w.mqttUrl);
  const keyFile = shellQuoted(file);
  return `
Fieldlog is running.

  HTTP       ${w.httpUrl}   (${w.httpUrl}/openapi.json describes it)
  HTTPS      ${w.httpsUrl}
  MQTT       ${w.mqttUrl}   over TLS ${w.mqttsUrl}   over WebSocket ${w.mqttWsUrl}, ${w.mqttWssUrl}${authority}
  WebSocket  ${w.wsUrl}/v1/subscribe   over TLS ${w.wssUrl}/v1/subscribe
  NATS       ${withoutUser(w.natsUrl)}${w.natsMonitorUrl ? `   monitoring ${w.natsMonitorUrl}` : ""}
  PostgreSQL ${withoutUser(w.postgresUrl)}
  Data       ${fromHere(w.dataDir)}
  Durability ${w.durability}
  Admin key  ${key}${w.opsUrl ? `\n  Operator   ${w.opsUrl}/readyz   ${w.opsUrl}/metrics` : ""}
${w.processes.map((line) => `${line}\n`).join("")}
Publish a message over MQTT, read it back, and watch events arrive:

  mosquitto_pub -h ${hostOf(mqtt)} -p ${mqtt.port} -u default -P "$(cat ${keyFile})" -q 1 -t hello/world -m hello
  curl -H "Authorization: Bearer $(cat ${keyFile})" "${w.httpUrl}/v1/namespaces/default/messages?topic=hello/world"
  npx fieldlog events tail

Ctrl-C stops.
`;
}

/** As programs want it who take host and port apart: an IPv6 address without brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** An address without user and password. */
export function withoutUser(address: string): string {
  return address.replace(/\/\/[^/@]*@/g, "//");
}

/** The path from the working directory, where it lies within that; it is shorter. */
function fromHere(path: string): string {
  const from = relative(process.cwd(), path);
  return from === "" || from.startsWith("..") || isAbsolute(from) ? path : from;
}

function shellQuoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
