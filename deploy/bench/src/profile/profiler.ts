import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@fieldlog/servers";
import { allocationOf, type Locate, timeOf } from "./costs.js";
import { type Profiles, profiled } from "./inspector.js";
import { tablesOf } from "./tables.js";

/** Of one measurement; what comes later is not in its profile. */
const LONGEST_MS = 60_000;
/** Measurements of a run that are profiled; the later ones are not. */
const MOST = 40;

/** Profiles one of the processes that a benchmark starts, or this one ("bench"), while it is measured. */
export class Profiler {
  readonly #ports = new Map<number, number>();
  readonly #taken = new Map<string, Profiles[]>();
  readonly #names = new Set(["bench"]);
  #reserved = 0;
  #files = 0;

  /**
   * @param name of the process
   * @param folder in which the profiles stay
   */
  constructor(
    private readonly name: string,
    private readonly folder: string,
    private readonly locate: Locate,
  ) {}

  /** Options of Node for a process that is about to be started. */
  async options(name: string): Promise<string[]> {
    this.#names.add(name);
    if (name !== this.name) return [];
    this.#reserved = await freePort();
    return [`--inspect=127.0.0.1:${this.#reserved}`, "--inspect-publish-uid=http"];
  }

  /** That process runs. */
  started(name: string, pid: number): void {
    if (name === this.name) this.#ports.set(pid, this.#reserved);
  }

  /** Profiles the process while `work` runs, if it is one of these. @param what is measured */
  async during<T>(what: string, pids: Readonly<Record<string, number>>, work: () => Promise<T>): Promise<T> {
    const pid = pids[this.name] ?? 0;
    const port = this.#ports.get(pid);
    if ((port === undefined && pid !== process.pid) || this.#files === MOST) return work();
    const end = await profiled(port);
    const over = new AbortController();
    const taking = sleep(LONGEST_MS, undefined, { signal: over.signal })
      .catch(() => undefined)
      .then(end);
    try {
      return await work();
    } finally {
      over.abort();
      await this.#keep(what, await taking);
    }
  }

  /** What they found, or that nothing of that process was measured. */
  tables(): string {
    if (this.#taken.size === 0) {
      const names = [...this.#names].join(", ");
      return `nothing of ${this.name} was measured; there are: ${names}`;
    }
    const parts = [...this.#taken].map(([what, profiles]) => {
      const time = timeOf(
        profiles.map(({ cpu }) => cpu),
        this.locate,
      );
      const allocation = allocationOf(
        profiles.map(({ heap }) => heap),
        this.locate,
      );
      return tablesOf(`${this.name}, ${what}`, time, allocation);
    });
    return `${parts.join("\n\n")}\n\nfor Chrome's DevTools: ${this.folder}`;
  }

  async #keep(what: string, profiles: Profiles): Promise<void> {
    const file = join(this.folder, `${this.name}-${++this.#files}`);
    await mkdir(this.folder, { recursive: true });
    await writeFile(`${file}.cpuprofile`, JSON.stringify(profiles.cpu));
    await writeFile(`${file}.heapprofile`, JSON.stringify(profiles.heap));
    this.#taken.set(what, [...(this.#taken.get(what) ?? []), profiles]);
  }
}
