import { grpcSetting, OPS_PORT, type ProcessPlan } from "@fieldlog/processes";
import type { ServiceRun } from "./start.js";

/** What is spoken where a door listens. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  FIELDLOG_HTTP_PORT: "http",
  FIELDLOG_HTTPS_PORT: "https",
  FIELDLOG_MQTT_PORT: "mqtt",
  FIELDLOG_MQTTS_PORT: "mqtts",
  FIELDLOG_MQTT_WS_PORT: "ws",
  FIELDLOG_MQTT_WSS_PORT: "wss",
  FIELDLOG_WS_PORT: "ws",
  FIELDLOG_WSS_PORT: "wss",
};

/** A line for each process: its name, how it is, where the operator asks it, and where it is reached. */
export async function processTable(runs: readonly ServiceRun[], host: string): Promise<string[]> {
  const states = await Promise.all(runs.map((run) => run.state()));
  const rows = runs.map(({ plan, pid, opsUrl }, n) => [
    ...[plan.name, String(pid), states[n] ?? "", opsUrl],
    addressesOf(plan, host).join(" "),
  ]);
  return inColumns([["Process", "number", "state", "operator's port", "address"], ...rows]);
}

function addressesOf({ service, ports }: ProcessPlan, host: string): string[] {
  return Object.entries(ports).flatMap(([setting, port]) => {
    if (setting === OPS_PORT) return [];
    if (setting === grpcSetting(service)) return [`grpc://127.0.0.1:${port}`];
    return [`${PROTOCOLS[setting] ?? "tcp"}://${host}:${port}`];
  });
}

function inColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join("  ")}`.trimEnd());
}
