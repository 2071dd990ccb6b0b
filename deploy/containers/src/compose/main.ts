#!/usr/bin/env node
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandFailed, run } from "@fieldlog/servers";
import { Caller, type Door, Load, within } from "@fieldlog/upgrade";
import { Command } from "commander";
import { Steps } from "../steps.js";
import { stored } from "../stored.js";
import { httpsStatus, publishOver } from "./doors.js";
import { Project } from "./project.js";

const root = join(import.meta.dirname, "..", "..", "..", "..");

interface Choice {
  readonly build: boolean;
  readonly override: readonly string[];
}

const program = new Command("compose:check")
  .description(
    "Builds the images and runs docker-compose.yml with the profiles demo and tls, as a project of its own: everything becomes " +
      "healthy, nobody runs as root, all doors take what they should; under load every container is killed, once; a backup is " +
      "taken, everything removed, and put back. Nothing that was acknowledged may be lost or doubled.",
  )
  .option("--no-build", "take the images of an earlier run")
  .option(
    "--override <file...>",
    "further compose files, for what this machine cannot grant, such as so many open files",
    [],
  )
  .addHelpText(
    "after",
    "\nIt takes minutes, needs Docker 25 with Compose 2.24, and removes its containers and volumes at its end; its images\n" +
      "(version `check`) stay. It ends with 1 when something was found. Where no registry of images can be reached,\n" +
      "deploy/docker/stand-ins.sh makes those that ours are built on.",
  )
  .action(perform);

async function perform({ build, override }: Choice): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "fieldlog-compose-"));
  const project = await Project.of(root, folder, override);
  const steps = new Steps();
  try {
    if (build) await steps.step("the images are built", () => project.compose("build").then(() => undefined));
    await steps.step("everything is healthy", () => project.up());
    await steps.step("nobody may more than it needs", () => confined(project, steps));
    await steps.step("the doors take what they should, over TLS too", () => doors(project, steps));
    await steps.step("the demo is moving", () => demo(project, steps));
    await steps.step("Prometheus hears of everybody, and its rules hold", () => monitored(project, steps));
    const acknowledged = await underLoad(project, steps);
    await steps.step("all comes back out of a backup", () => goBack(project, steps, acknowledged));
    await steps.step("everything ends by itself", () => ends(project, steps));
    steps.end(`${acknowledged.size} events acknowledged`);
  } catch (error) {
    process.stderr.write(await project.compose("ps", "--all").catch(() => ""));
    throw error;
  } finally {
    await project.remove();
    await rm(folder, { recursive: true });
  }
}

const keyOf = (project: Project) => project.setting("FIELDLOG_ADMIN_KEY");
const doorOf = (project: Project): Door => ({
  name: "edge-http",
  url: `http://127.0.0.1:${project.setting("FIELDLOG_HTTP_PORT")}`,
});

async function confined(project: Project, steps: Steps): Promise<void> {
  const ours = (await project.containers()).filter(({ Config }) => Config.Image.includes("fieldlog/"));
  steps.must(ours.length > 0, "there is no container of ours");
  for (const { Name, Config, HostConfig, RestartCount } of ours) {
    steps.must(/^[1-9]/.test(Config.User), `${Name} runs as ${Config.User || "root"}`);
    steps.must(HostConfig.ReadonlyRootfs, `${Name} may change its root file system`);
    steps.must(HostConfig.CapDrop?.includes("ALL") ?? false, `${Name} has capabilities`);
    const options = HostConfig.SecurityOpt ?? [];
    steps.must(options.includes("no-new-privileges:true"), `${Name} may get privileges`);
    steps.must(RestartCount === 0, `${Name} was started ${RestartCount} times more`);
  }
  for (const image of new Set(ours.map(({ Config }) => Config.Image))) {
    const asked = run("docker", ["run", "--rm", "--entrypoint", "/nodejs/bin/node", image, ...HAS_NO_SHELL]);
    await asked.catch((error: Error) => steps.must(false, `${image} has a shell: ${error.message}`));
    const size = Number(await run("docker", ["image", "inspect", "--format", "{{.Size}}", image]));
    process.stderr.write(`    ${image.padEnd(34)} ${(size / 1e6).toFixed(0)} MB\n`);
  }
}

async function doors(project: Project, steps: Steps): Promise<void> {
  const key = keyOf(project);
  const ca = await project.compose("exec", "-T", "edge-http-tls", ...CAT_AUTHORITY);
  const status = await httpsStatus(project.setting("FIELDLOG_HTTPS_PORT"), ca);
  steps.must(status === 200, `HTTPS answers ${status}`);
  await publishOver(`mqtt://127.0.0.1:${project.setting("FIELDLOG_MQTT_PORT")}`, key);
  await publishOver(`mqtts://localhost:${project.setting("FIELDLOG_MQTTS_PORT")}`, key, ca);
  await publishOver(`wss://localhost:${project.setting("FIELDLOG_MQTT_WSS_PORT")}/mqtt`, key, ca);
}

/** There is no cat in the image. */
const CAT_AUTHORITY = [
  ...["/nodejs/bin/node", "--eval"],
  'process.stdout.write(require("node:fs").readFileSync("/tls/ca.pem", "utf8"))',
];
const HAS_NO_SHELL = ["--eval", 'process.exit(require("node:fs").existsSync("/bin/sh") ? 1 : 0)'];

/** Picks of stations can be read, and what the air was like has come back to the simulator, which then says it. */
async function demo(project: Project, steps: Steps): Promise<void> {
  const caller = new Caller(keyOf(project), new Set([doorOf(project)]));
  const picks = await within(async () => {
    const { json } = await caller.anywhere(0, "GET", "namespaces/default/events?type=pick&limit=1");
    return json.events.length > 0;
  });
  steps.must(picks, "demo-seismic brings no picks");
  const air = await within(async () => {
    const said = await project.compose("logs", "--no-log-prefix", "demo-air");
    const [, shown = ""] = said.split("as read back from Fieldlog");
    return shown.trim().split("\n").length > 1;
  });
  steps.must(air, "demo-air reads nothing back");
}

interface Monitored {
  readonly targets: readonly { readonly health: string; readonly labels: Readonly<Record<string, string>> }[];
  readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
}

/** Each target is up, and each rule can be worked out. Grafana and Tempo are not started. */
async function monitored(project: Project, steps: Steps): Promise<void> {
  // Without the ports that it publishes, which may be somebody's; with the name that it has inside.
  await project.compose("run", "--detach", "--rm", "--use-aliases", "prometheus");
  let last: Monitored = { targets: [], rules: [] };
  const isWell = ({ health }: { health: string }) => health === "up" || health === "ok";
  const well = await within(async () => {
    const asked = project.compose(
      "exec",
      "-T",
      "auth",
      "/nodejs/bin/node",
      "--input-type=module",
      "--eval",
      ASK_PROMETHEUS,
    );
    last = JSON.parse(await asked.catch(() => JSON.stringify(last))) as Monitored;
    return last.targets.length > 0 && last.targets.every(isWell) && last.rules.every(isWell);
  });
  const sick = [
    ...last.targets.filter((target) => !isWell(target)).map(({ labels }) => JSON.stringify(labels)),
    ...last.rules.filter((rule) => !isWell(rule)).map(({ name, lastError }) => `${name}: ${lastError}`),
  ];
  steps.must(well, `Prometheus: ${sick.join("; ") || "no target"}`);
  process.stderr.write(`    ${last.targets.length} targets, ${last.rules.length} rules\n`);
}

/** Only from inside it can be asked. */
const ASK_PROMETHEUS = `
const ask = async (path) => (await (await fetch("http://prometheus:9090/api/v1/" + path)).json()).data;
const { activeTargets } = await ask("targets");
const { groups } = await ask("rules");
console.log(JSON.stringify({ targets: activeTargets, rules: groups.flatMap(({ rules }) => rules) }));`;

/** Kills everything, one after the other, while events come in. What was acknowledged. */
async function underLoad(project: Project, steps: Steps): Promise<ReadonlySet<number>> {
  const door = doorOf(project);
  const doors = new Set([door]);
  const load = new Load(new Caller(keyOf(project), doors), doors);
  try {
    const services = (await project.services()).filter(
      (name) => !/^(demo-|certificate$|fieldlog$)/.test(name),
    );
    for (const name of ["nats", "postgres", ...services]) {
      await steps.step(`${name} is killed, and comes back`, async () => {
        const before = load.acknowledged.size;
        await project.compose("kill", name);
        await project.up(name);
        const goesOn = await within(async () => load.acknowledged.size > before + 10);
        steps.must(goesOn, `nothing is acknowledged since ${name} was killed`);
      });
    }
  } finally {
    await load.stop();
  }
  await steps.step("what was acknowledged is there, once", async () => {
    steps.problems.push(...(await stored(door, keyOf(project), load.acknowledged)));
  });
  return load.acknowledged;
}

async function goBack(project: Project, steps: Steps, acknowledged: ReadonlySet<number>): Promise<void> {
  const fieldlog = (...args: string[]) => project.compose("run", "--rm", "-T", "fieldlog", ...args);
  await fieldlog("backup", "/data/check");
  await project.compose("down");
  await run("docker", ["volume", "rm", "fieldlog-check_nats", "fieldlog-check_postgres"]);
  await project.up("nats", "postgres");
  await fieldlog("restore", "/data/check");
  await project.up();
  steps.problems.push(...(await stored(doorOf(project), keyOf(project), acknowledged)));
}

async function ends(project: Project, steps: Steps): Promise<void> {
  await project.compose("stop");
  for (const { Name, Config, State } of await project.containers()) {
    if (!Config.Image.includes("fieldlog/")) continue;
    steps.must(!State.Running && State.ExitCode === 0, `${Name} ended with ${State.ExitCode}`);
    steps.must(!State.OOMKilled, `${Name} had not enough memory`);
  }
}

await program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof CommandFailed)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
});
