import { type FlushLatency, thisCommit, thisMachine } from "@fieldlog/bench";
import pg from "pg";
import type { RunOptions } from "../options.js";
import type { Circumstances } from "../report/outcome.js";
import type { Stage } from "./stage.js";

/** What has to be known of a run to read its figures; `flush` was measured while the machine had nothing else to do. */
export async function circumstancesOf(
  stage: Pick<Stage, "nats" | "postgresUrl">,
  { replicas, natsServers }: RunOptions,
  flush: FlushLatency,
): Promise<Circumstances> {
  return {
    ...{ date: new Date().toISOString(), commit: await thisCommit(), machine: thisMachine(), flush },
    versions: { nats: await natsVersion(stage.nats[0]?.monitorUrl), postgres: await postgresVersion(stage) },
    ...{ replicas, natsServers },
  };
}

async function natsVersion(monitorUrl = ""): Promise<string> {
  const answer = await fetch(`${monitorUrl}/varz`);
  const { version } = (await answer.json()) as { version: string };
  return version;
}

async function postgresVersion({ postgresUrl }: Pick<Stage, "postgresUrl">): Promise<string> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>("SHOW server_version");
    return rows[0]?.server_version ?? "unknown";
  } finally {
    await client.end();
  }
}
