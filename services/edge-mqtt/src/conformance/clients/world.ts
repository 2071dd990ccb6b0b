import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDir } from "@fieldlog/testkit";
import { localCertificate } from "@fieldlog/tls";
import { type Fieldlog, startFieldlog } from "../fieldlog.fixture.js";

/** A started Fieldlog with a certificate, and its MQTT doors. */
export interface World extends Fieldlog {
  readonly doors: Readonly<Record<Transport, string>>;
  /** The authority that signed the certificate: its file, and what is in it. */
  readonly caFile: string;
  readonly ca: string;
}

export type Transport = "TCP" | "TLS" | "WebSocket";

export async function startWorld(): Promise<World> {
  const dir = await temporaryDir();
  const files = await localCertificate({ dir, hosts: ["127.0.0.1", "localhost"] });
  const fieldlog = await startFieldlog("clients", {
    settings: { FIELDLOG_TLS_CERT: files.server, FIELDLOG_TLS_KEY: files.server },
  });
  const edge = fieldlog.system.processes["edge-mqtt"];
  const caFile = join(dir, "ca.pem");
  return {
    ...fieldlog,
    caFile,
    ca: await readFile(caFile, "utf8"),
    doors: {
      TCP: edge?.mqttUrl ?? "",
      TLS: edge?.mqttsUrl ?? "",
      WebSocket: edge?.mqttWsUrl ?? "",
    },
  };
}

let names = 0;
/** Unique in this run. */
export const fresh = (name: string) => `${name}-${process.pid}-${++names}`;
