import { isAbsolute, relative } from "node:path";
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
  const file = fromHere(w.adminKey.file);
  const key = w.adminKey.isNew
    ? `${w.adminKey.value}\n             (shown this once; kept in ${file})`
    : `in ${file}`;
  return `
Fieldlog is running.

  HTTP       ${w.httpUrl}   (${w.httpUrl}/openapi.json describes it)
  NATS       ${withoutUser(w.natsUrl)}${w.natsMonitorUrl ? `   monitoring ${w.natsMonitorUrl}` : ""}
  PostgreSQL ${withoutUser(w.postgresUrl)}
  Data       ${fromHere(w.dataDir)}
  Durability ${w.durability}
  Admin key  ${key}

Read events back, or watch them with \`npx fieldlog events tail\`:

  curl -H "Authorization: Bearer $(cat ${shellQuoted(file)})" "${w.httpUrl}/v1/namespaces/default/events?limit=3"

Ctrl-C stops.
`;
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
