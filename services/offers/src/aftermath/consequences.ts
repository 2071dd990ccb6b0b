import type { Aggregates, Id } from "@fieldlog/aggregates";
import { REGISTRY, type registry, token } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import type { EventLog } from "@fieldlog/event-log";
import { inPages, type ObjectStore } from "@fieldlog/objects";
import { type MadeUpload, upload } from "../decisions/upload.js";
import type { Reader } from "../service/reader.js";
import type { Requests } from "../service/requests.js";
import type { Uploads } from "../service/uploads.js";
import { uploadedSignal } from "./uploaded-signal.js";

export interface ConsequencesParts {
  readonly log: Pick<EventLog, "signals" | "settledEnd">;
  readonly aggregates: Pick<Aggregates, "current">;
  readonly requests: Pick<Requests, "fulfil">;
  readonly uploads: Pick<Uploads, "erase">;
  readonly reader: Reader;
  readonly objects: Pick<ObjectStore, "list" | "delete" | "deleteAll">;
  readonly keys: Pick<DataKeys, "destroy" | "ofNamespace" | "forget">;
}

/** The part of an object's name that all of an upload's begin with. */
export function folderOf({ namespace, id }: Id, device: string): string {
  return `${namespace}/${token(device)}/${id}/`;
}

/** What other services keep of a namespace stands in folders that no device's can be. */
const OF_OTHERS = /^[^/]+\/~/;

/** The upload to which an object belongs, in its name. */
function uploadIn(object: string): string {
  return object.split("/")[2] ?? "";
}

const ERASING_MS = 30_000;
/** Objects that are looked at, and removed, at once. */
const PAGE = 64;

/** What follows from a decision. Done twice, each has no effect the second time. Raises what is to be tried again. */
export class Consequences {
  private cleaning: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: ConsequencesParts) {}

  async ofUpload(id: Id, event: registry.RegistryEvent["event"]): Promise<void> {
    switch (event.case) {
      case "uploadStored":
        return this.announce(id);
      case "uploadFailed":
      case "readingRemoved":
        return this.discard(id);
      default:
    }
  }

  /** Its keys first: from then on nothing of what it uploaded can be read. */
  async ofErasure(namespace: string, device: string): Promise<void> {
    const { keys, reader, uploads, objects } = this.parts;
    await keys.destroy(namespace, device);
    await this.upToDate();
    for (const { id } of await reader.rows.uploadsOfDevice(namespace, device)) {
      await uploads.erase({ namespace, id });
    }
    await objects.deleteAll(`${namespace}/${token(device)}/`);
  }

  /**
   * Of what was there, that goes to which no upload belongs any more. Whatever was uploaded since then stays, however late
   * or often this is done: its offer was in the log before it was stored, so after the look at what is stored it is in
   * the tables.
   */
  async ofClearing(namespace: string): Promise<void> {
    const { keys, objects } = this.parts;
    const held = await keys.ofNamespace(namespace);
    const { devices } = await this.current(namespace);
    for (const key of held) if (!devices.has(key.device)) await keys.forget(key);
    for await (const names of inPages(objects.list(`${namespace}/`), PAGE)) {
      const { uploads } = await this.current(namespace);
      const own = names.filter((name) => !OF_OTHERS.test(name) && !uploads.has(uploadIn(name)));
      await Promise.all(own.map((name) => objects.delete(name)));
    }
  }

  /** The uploads that a namespace has as of now, and their devices. */
  private async current(namespace: string): Promise<{ uploads: Set<string>; devices: Set<string> }> {
    await this.upToDate();
    const kept = await this.parts.reader.rows.uploadsKept(namespace);
    return {
      uploads: new Set(kept.map(({ id }) => id)),
      devices: new Set(kept.map(({ device }) => device)),
    };
  }

  /** What is not in the tables yet would not be found. */
  private async upToDate(): Promise<void> {
    const { log, reader } = this.parts;
    const sequence = await log.settledEnd(REGISTRY);
    if (!(await reader.waitFor(sequence, ERASING_MS))) throw new Error("the tables are behind the log");
  }

  private async announce(id: Id): Promise<void> {
    const made = await this.made(id);
    if (made?.phase !== "stored") return;
    await this.parts.log.signals.append(id.namespace, uploadedSignal(id.id, made));
    const { request } = made.offered;
    if (request !== "") await this.parts.requests.fulfil(id.namespace, request, id.id);
  }

  private async discard(id: Id): Promise<void> {
    const made = await this.made(id);
    if (made === undefined) return;
    const { objects } = this.parts;
    for (const name of made.stored?.objects ?? []) await objects.delete(name);
    if (made.abandoned) await this.clean(folderOf(id, made.offered.device));
  }

  /** Nobody has noted the names, so the namespace's objects have to be listed, which is much work: one at a time. */
  private clean(folder: string): Promise<number> {
    const cleaned = this.cleaning.then(() => this.parts.objects.deleteAll(folder));
    this.cleaning = cleaned.catch(() => undefined);
    return cleaned;
  }

  private async made(id: Id): Promise<MadeUpload | undefined> {
    const { state } = await this.parts.aggregates.current(upload, id);
    return state.phase === "none" ? undefined : state;
  }
}
