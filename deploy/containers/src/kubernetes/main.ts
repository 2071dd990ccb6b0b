#!/usr/bin/env node
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CommandFailed, run } from "@fieldlog/servers";
import { Caller, type Doors, Load, within } from "@fieldlog/upgrade";
import { Command } from "commander";
import { Steps } from "../steps.js";
import { stored } from "../stored.js";
import { tryAutoscaling } from "./autoscaling.js";
import { Cluster, Forwarding } from "./cluster.js";

const root = join(import.meta.dirname, "..", "..", "..", "..");

interface Choice {
  readonly context: string;
  readonly overlay: string;
  readonly keep: boolean;
}

const program = new Command("k8s:check")
  .description(
    "Applies an overlay to a cluster that is there for trying: everything becomes ready; under load all services are rolled " +
      "anew, then the pods of NATS and PostgreSQL are deleted, one after the other. Nothing that was acknowledged may be lost or " +
      "doubled. Where the cluster serves metrics, the autoscalers are tried as well.",
  )
  .requiredOption("--context <name>", "of kubectl's configuration; never the one in production")
  .option("--overlay <folder>", "one whose images that cluster can get", "deploy/k8s/overlays/small")
  .option("--keep", "leave it running", false)
  .addHelpText(
    "after",
    "\nIt refuses a cluster that has a namespace fieldlog, and removes the one that it made. It ends with 1 when something\n" +
      "was found.\n\n  npm run k8s:check -- --context kind-try --overlay my/overlay",
  )
  .action(perform);

async function perform({ context, overlay, keep }: Choice): Promise<void> {
  const cluster = new Cluster(context);
  if (await cluster.has("namespace/fieldlog")) {
    process.stderr.write("there is a namespace fieldlog already; it is left as it is\n");
    process.exitCode = 2;
    return;
  }
  const steps = new Steps();
  try {
    await steps.step("everything is taken", () => apply(cluster, resolve(root, overlay)));
    await steps.step("everything is ready", () => cluster.ready());
    const key = await cluster.secret("fieldlog-installation", "FIELDLOG_ADMIN_KEY");
    await tryAutoscaling(cluster, key, steps);
    const acknowledged = await underLoad(cluster, key, steps);
    await steps.step("nothing was started anew by itself", async () => {
      for (const { metadata, status } of await cluster.list("pod")) {
        const restarts = status?.containerStatuses?.map(({ restartCount }) => restartCount) ?? [];
        steps.must(Math.max(0, ...restarts) === 0, `${metadata.name} was restarted ${restarts} times`);
      }
    });
    steps.end(`${acknowledged} events acknowledged`);
  } catch (error) {
    process.stderr.write(await cluster.kubectl("get", "pods,events").catch(() => ""));
    throw error;
  } finally {
    if (!keep) await cluster.kubectl("delete", "namespace", "fieldlog", "--ignore-not-found");
  }
}

/** As deploy/k8s/README.md says. */
async function apply(cluster: Cluster, overlay: string): Promise<void> {
  await cluster.kubectl("apply", "--filename", join(root, "deploy/k8s/base/namespace.yaml"));
  const rendered = await cluster.kubectl("kustomize", overlay);
  const plain = rendered.includes("kind: Cluster\n") ? [] : ["--postgres"];
  const folder = await mkdtemp(join(tmpdir(), "fieldlog-k8s-"));
  try {
    const secrets = join(folder, "secrets.yaml");
    const made = await run(process.execPath, [join(root, "deploy/secrets.mjs"), "--kubernetes", ...plain]);
    await writeFile(secrets, made, { mode: 0o600 });
    await cluster.kubectl("create", "--filename", secrets);
  } finally {
    await rm(folder, { recursive: true });
  }
  await cluster.kubectl("apply", "--kustomize", overlay);
}

/** How many events were acknowledged meanwhile. */
async function underLoad(cluster: Cluster, key: string, steps: Steps): Promise<number> {
  const doors: Doors = new Set();
  const forwarding = new Forwarding(cluster, { service: "edge-http", port: "http" }, doors);
  const load = new Load(new Caller(key, doors), doors);
  const goesOn = async (since: string) => {
    const before = load.acknowledged.size;
    const does = await within(async () => load.acknowledged.size > before + 10);
    steps.must(does, `nothing is acknowledged since ${since}`);
  };
  try {
    await steps.step("events come in", () => goesOn("it is ready"));
    await steps.step("all services are rolled anew", async () => {
      await cluster.kubectl("rollout", "restart", "deployment");
      await cluster.ready();
      await goesOn("services were rolled anew");
    });
    for (const { metadata } of await cluster.list("pod")) {
      const isOfOperator = metadata.labels?.["cnpg.io/podRole"] === "instance";
      if (!isOfOperator && !/^(nats|postgres)-\d+$/.test(metadata.name)) continue;
      await steps.step(`${metadata.name} is deleted, and comes back`, async () => {
        await cluster.kubectl("delete", "pod", metadata.name, "--grace-period=1");
        await cluster.ready();
        await goesOn(`${metadata.name} was deleted`);
      });
    }
  } finally {
    await load.stop();
  }
  try {
    await steps.step("what was acknowledged is there, once", async () => {
      const [door] = doors;
      if (door === undefined) throw new Error("no door is open");
      steps.problems.push(...(await stored(door, key, load.acknowledged)));
    });
  } finally {
    await forwarding.close();
  }
  return load.acknowledged.size;
}

await program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof CommandFailed)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
});
