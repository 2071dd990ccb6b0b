import type { Id } from "@fieldlog/aggregates";
import { REGISTRY, type registry } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import type { EventLog } from "@fieldlog/event-log";
import { inPages, type ObjectStore } from "@fieldlog/objects";
import type { Models } from "../../models/models.js";
import type { Rows } from "../rows.js";
import type { Samples } from "../samples.js";
import { storedSignal } from "./stored-signal.js";

export interface ConsequencesParts {
  readonly log: Pick<EventLog, "signals" | "settledEnd">;
  readonly samples: Pick<Samples, "made" | "erase" | "release">;
  readonly models: Pick<Models, "made">;
  readonly rows: Pick<Rows, "ofDevice" | "kept" | "needsKey">;
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly objects: Pick<ObjectStore, "list" | "delete">;
  readonly keys: Pick<DataKeys, "find" | "destroy" | "ofNamespace" | "forget">;
}

const BEHIND_MS = 30_000;
/** Objects that are looked at, and removed, at once. */
const PAGE = 64;
/** What the names of this service's objects begin with, behind the namespace. */
const FOLDERS = ["~samples/", "~models/"] as const;

type Event = registry.RegistryEvent["event"];

/** What follows from a decision. Done twice, each has no effect the second time. Raises what is to be tried again. */
export class Consequences {
  constructor(private readonly parts: ConsequencesParts) {}

  async ofSample(id: Id, event: Event): Promise<void> {
    if (event.case !== "sampleStored" && event.case !== "sampleRemoved") return;
    const made = await this.parts.samples.made(id);
    if (made === undefined) return;
    if (event.case === "sampleStored") {
      // It was on its way when its device was erased, or the namespace cleared: nobody can read it.
      if (!(await this.parts.keys.find(id.namespace, made.sample.key))) await this.parts.samples.erase(id);
      else await this.parts.log.signals.append(id.namespace, storedSignal(id.id, made));
      return;
    }
    for (const name of made.sample.content.objects) await this.parts.objects.delete(name);
    await this.parts.samples.release(id, made.sample.content.sha256);
  }

  async ofModel({ namespace, id }: Id, event: Event): Promise<void> {
    if (event.case !== "modelRemoved") return;
    const made = await this.parts.models.made(namespace, id);
    for (const name of made?.content.objects ?? []) await this.parts.objects.delete(name);
  }

  /** Its key first: from then on nothing that was encrypted with it can be read. */
  async ofErasure(namespace: string, device: string): Promise<void> {
    const { keys, rows, samples } = this.parts;
    await keys.destroy(namespace, device);
    for (;;) {
      await this.upToDate();
      const ids = await rows.ofDevice(namespace, device);
      if (ids.length === 0) return;
      for (const id of ids) await samples.erase({ namespace, id });
    }
  }

  /**
   * Of what was there, that goes to which no sample and no model belongs any more, however late or often this is done. What
   * is on its way just then may go as well: whoever stores it finds out, and is told.
   */
  async ofClearing(namespace: string): Promise<void> {
    const { keys, objects, rows } = this.parts;
    const held = await keys.ofNamespace(namespace);
    await this.upToDate();
    for (const key of held) if (!(await rows.needsKey(namespace, key.device))) await keys.forget(key);
    for (const folder of FOLDERS) {
      for await (const names of inPages(objects.list(`${namespace}/${folder}`), PAGE)) {
        await this.upToDate();
        const kept = await rows.kept(namespace, names);
        await Promise.all(names.filter((name) => !kept.has(name)).map((name) => objects.delete(name)));
      }
    }
  }

  /** What is not in the tables yet would not be found. */
  private async upToDate(): Promise<void> {
    const sequence = await this.parts.log.settledEnd(REGISTRY);
    if (!(await this.parts.waitFor(sequence, BEHIND_MS))) throw new Error("the tables are behind the log");
  }
}
