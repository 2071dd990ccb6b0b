import type { Secret } from "./secrets.js";

export interface Welcome {
  httpUrl: string;
  natsUrl: string;
  natsMonitorUrl: string | undefined;
  postgresUrl: string;
  durability: string;
  dataDir: string;
  adminKey: Secret;
}

/** What is printed when everything runs: where, how safe, the key, and a command to try. */
export function welcome(w: Welcome): string {
  const key = w.adminKey.isNew
    ? `${w.adminKey.value}\n             (shown this once; kept in ${w.adminKey.file})`
    : `in ${w.adminKey.file}`;
  return `
Fieldlog is running.

  HTTP       ${w.httpUrl}   (${w.httpUrl}/openapi.json describes it)
  NATS       ${withoutUser(w.natsUrl)}${w.natsMonitorUrl ? `   monitoring ${w.natsMonitorUrl}` : ""}
  PostgreSQL ${withoutUser(w.postgresUrl)}
  Data       ${w.dataDir}
  Durability ${w.durability}
  Admin key  ${key}

Read the newest events:

  curl -H "Authorization: Bearer $(cat ${shellQuoted(w.adminKey.file)})" "${w.httpUrl}/v1/namespaces/default/events?limit=3"

Ctrl-C stops.
`;
}

/** An address without user and password. */
export function withoutUser(address: string): string {
  return address.replace(/\/\/[^/@]*@/g, "//");
}

function shellQuoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
