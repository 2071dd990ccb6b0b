import { type SnapshotTables, snapshotModel } from "@fieldlog/aggregates";
import { REGISTRY } from "@fieldlog/contracts";
import type { Decider } from "@fieldlog/decider";
import { connectLog } from "@fieldlog/event-log";
import { openReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { startServers, until } from "@fieldlog/testkit";
import { expect, it } from "vitest";
import { SCHEMA } from "./read-model.js";
import { startReplica } from "./replica.fixture.js";

/** As version 1 knew them: states of another form, and none of the kinds that came later. */
const earlier = snapshotModel({
  version: 1,
  kinds: (["namespace", "api-key", "credential"] as const).map((kind) => ({
    decider: { kind, initial: {}, evolve: () => ({ phase: "issued" }) } satisfies Decider<object>,
  })),
});

it("on the log and the tables of version 1 everything that was decided then is good, once the tables are built anew", async () => {
  const servers = await startServers();
  const urls = { natsUrl: servers.nats.url, postgresUrl: await servers.databaseUrl("auth") };
  const asked = { namespace: "default", device: "17" };

  // What version 1 decided has the form that it has today: a namespace without an owner, a CSN secret.
  const before = await startReplica({ ...urls, postgresUrl: await servers.databaseUrl("before") });
  await until("ready", async () => (await before.runtime.health.report()).ready);
  const { secret } = await before.client.issueDeviceCredential({ ...asked, kind: "csn-secret" });
  const { namespaces } = await before.client.listNamespaces({});
  await before.close();
  const log = await connectLog({ url: urls.natsUrl, name: "test" });
  const database = openReadDatabase<SnapshotTables>({ url: urls.postgresUrl, schema: SCHEMA });
  const runner = new ReadModelRunner({ log, database, definition: earlier });
  await runner.start();
  expect(await runner.waitFor(await log.lastSequence(REGISTRY), 60_000)).toBe(true);
  await runner.stop();
  await database.close();
  await log.close();

  const after = await startReplica(urls);
  expect((await after.client.getDeviceCredential(asked)).secret).toBe(secret);
  const password = await after.client.issueDeviceCredential({ ...asked, kind: "mqtt-password" });
  expect(password.secret).not.toBe("");
  await until("built anew", async () => {
    const found = await after.client.findMqttPassword({ namespace: "", device: "17" }).catch(() => undefined);
    return found?.namespace === "default";
  });
  expect((await after.client.getDeviceCredential(asked)).secret).toBe(secret);
  expect((await after.client.listNamespaces({})).namespaces).toEqual(namespaces);
  await after.close();
  await servers.stop();
});
