import { readState, StateError, writeState } from "../../state-file.js";
import type { Identity } from "./csn-messages.js";

interface Entry extends Identity {
  /** Message ids below this one may have been used. */
  reserved: number;
}

interface Contents {
  readonly version: 1;
  /** Index of the earthquake with which the replay goes on; past the end, it begins again. */
  nextQuake?: number;
  readonly stations: Record<string, Entry>;
}

/** Message ids that a station reserves at a time, so that the file is written only now and then. */
const RESERVE = 1_000;

/**
 * What the stations must still know after a restart: their ids, secrets and the next message id, which
 * never goes back, not even after a crash.
 */
export class Registrations {
  readonly #file: string;
  readonly #contents: Contents;
  readonly #next = new Map<string, number>();
  #writing: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  private constructor(file: string, contents: Contents) {
    this.#file = file;
    this.#contents = contents;
    for (const [name, entry] of Object.entries(contents.stations)) this.#next.set(name, entry.reserved);
  }

  /** Reads the file, or begins empty where there is none. Raises StateError. */
  static async load(file: string): Promise<Registrations> {
    const kept = await readState(file);
    return new Registrations(file, kept ? checked(file, kept) : { version: 1, stations: {} });
  }

  /** Undefined before the first run's first earthquake. */
  get nextQuake(): number | undefined {
    return this.#contents.nextQuake;
  }

  set nextQuake(index: number) {
    this.#contents.nextQuake = index;
  }

  get(name: string): Identity | undefined {
    return this.#contents.stations[name];
  }

  /** A new identity for the station; kept on disk when `save` resolves. */
  set(name: string, identity: Identity): void {
    this.#contents.stations[name] = { ...identity, reserved: 0 };
    this.#next.set(name, 0);
  }

  /** The server does not know the station any more. */
  remove(name: string): void {
    delete this.#contents.stations[name];
    this.#next.delete(name);
  }

  /** The station's next message id; resolves when no restart can give it out again. */
  async nextMessageId(name: string): Promise<number> {
    const entry = this.#contents.stations[name];
    if (!entry) throw new RangeError(`station ${name} is not registered`);
    const id = this.#next.get(name) ?? 0;
    this.#next.set(name, id + 1);
    if (id >= entry.reserved) {
      entry.reserved = id + RESERVE;
      await this.save();
    }
    return id;
  }

  /** Writes the state; calls that come during a write share the next one. */
  save(): Promise<void> {
    if (!this.#writing) {
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined;
      });
      return this.#writing;
    }
    this.#queued ??= this.#writing
      .catch(() => undefined)
      .then(() => {
        this.#queued = undefined;
        return this.save();
      });
    return this.#queued;
  }

  /** Gives back the reserved ids that were not used, and writes the state. Nothing may be sent afterwards. */
  async close(): Promise<void> {
    for (const [name, entry] of Object.entries(this.#contents.stations)) {
      entry.reserved = this.#next.get(name) ?? entry.reserved;
    }
    await this.save();
  }

  #write(): Promise<void> {
    return writeState(this.#file, this.#contents);
  }
}

function checked(file: string, contents: Partial<Contents>): Contents {
  if (contents.version !== 1 || typeof contents.stations !== "object") {
    throw new StateError(file, "another version");
  }
  for (const [name, entry] of Object.entries(contents.stations)) {
    const { clientId, secret, sensorId, reserved } = entry as Partial<Entry>;
    if (
      ![clientId, secret, sensorId].every((text) => typeof text === "string") ||
      !Number.isInteger(reserved)
    ) {
      throw new StateError(file, `station ${name} is incomplete`);
    }
  }
  if (contents.nextQuake !== undefined && !Number.isSafeInteger(contents.nextQuake)) {
    throw new StateError(file, "nextQuake is not an index");
  }
  return contents as Contents;
}
