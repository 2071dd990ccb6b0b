import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "@fieldlog/servers";
import type { Door, Doors } from "@fieldlog/upgrade";

const NAMESPACE = "fieldlog";
const ROLLOUT_MS = 10 * 60_000;
/** What CloudNativePG serves, where it is there. */
const CNPG = "clusters.postgresql.cnpg.io";

interface Listed {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly status?: { readonly containerStatuses?: readonly { readonly restartCount: number }[] };
}

/** The cluster of a context of kubectl's. Its methods raise CommandFailed. */
export class Cluster {
  constructor(private readonly context: string) {}

  kubectl(...args: readonly string[]): Promise<string> {
    return run("kubectl", this.asked(...args), { timeoutMs: ROLLOUT_MS });
  }

  /** Runs until it is killed; what it prints is read from its standard output. */
  begin(...args: readonly string[]) {
    return spawn("kubectl", this.asked(...args), { stdio: ["ignore", "pipe", "ignore"] });
  }

  private asked(...args: readonly string[]): string[] {
    return ["--context", this.context, "--namespace", NAMESPACE, ...args];
  }

  async has(what: string): Promise<boolean> {
    return (await this.kubectl("get", what, "--ignore-not-found", "--output", "name")).trim() !== "";
  }

  /** Objects by their kind, as `deployment,statefulset`. */
  async list<Each = Listed>(kinds: string): Promise<Each[]> {
    return (JSON.parse(await this.kubectl("get", kinds, "--output", "json")) as { items: Each[] }).items;
  }

  async secret(name: string, key: string): Promise<string> {
    const { data } = JSON.parse(await this.kubectl("get", "secret", name, "--output", "json"));
    return Buffer.from(data[key], "base64").toString();
  }

  /** Waits until all that is rolled out is ready. */
  async ready(): Promise<void> {
    for (const { kind, metadata } of await this.list("deployment,statefulset")) {
      const object = `${kind.toLowerCase()}/${metadata.name}`;
      await this.kubectl("rollout", "status", object, `--timeout=${ROLLOUT_MS / 1000}s`);
    }
    if (!(await this.has(`customresourcedefinition/${CNPG}`)) || (await this.list(CNPG)).length === 0) return;
    await this.kubectl("wait", "--for=condition=Ready", CNPG, "--all", `--timeout=${ROLLOUT_MS / 1000}s`);
  }
}

/** Milliseconds between two looks whether a forwarding still leads somewhere, and how many may be in vain. */
const LOOK_MS = 2_000;
const IN_VAIN = 3;

/**
 * Keeps a port of this machine forwarded to a service: a forwarding ends with its pod, or leads nowhere from then on, and is
 * made anew. That it leads nowhere is noticed only of HTTP.
 */
export class Forwarding {
  private child: ChildProcess | undefined;
  private isOpen = true;
  private readonly running: Promise<void>;

  /** @param doors has the door while there is one */
  constructor(
    private readonly cluster: Cluster,
    private readonly to: { readonly service: string; readonly port: string },
    private readonly doors: Doors,
  ) {
    this.running = this.run();
  }

  async close(): Promise<void> {
    this.isOpen = false;
    this.child?.kill();
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.isOpen) {
      const { service, port: name } = this.to;
      const child = this.cluster.begin("port-forward", `service/${service}`, `:${name}`);
      this.child = child;
      const ended = once(child, "exit").catch(() => undefined);
      let door: Door | undefined;
      for await (const line of createInterface({ input: child.stdout })) {
        const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
        if (port === undefined) continue;
        door = { name: service, url: `http://127.0.0.1:${port}` };
        this.doors.add(door);
        if (name === "http") void endWhenDead(child, door);
      }
      if (door !== undefined) this.doors.delete(door);
      await ended;
      await sleep(200);
    }
  }
}

async function endWhenDead(child: ChildProcess, { url }: Door): Promise<void> {
  for (let inVain = 0; child.exitCode === null && child.signalCode === null; ) {
    await sleep(LOOK_MS);
    const signal = AbortSignal.timeout(LOOK_MS);
    const answers = await fetch(`${url}/healthz`, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
    inVain = answers ? 0 : inVain + 1;
    if (inVain === IN_VAIN) child.kill();
  }
}
