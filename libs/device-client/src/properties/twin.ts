import { randomUUID } from "node:crypto";
import { ClientClosed } from "../errors.js";
import { BackOff, type BackOffTimes } from "../link/back-off.js";
import type { Store } from "../store/store.js";
import { applied, difference, type Properties, withoutNulls } from "./merge-patch.js";

/** Properties with the number of their version, which grows with every change. */
export interface Versioned {
  readonly version: number;
  readonly properties: Properties;
}

/** The way to the platform while there is one. */
export interface TwinLink {
  /** With QoS 1. */
  send(topic: string, payload: Uint8Array): void;
}

const DESIRED = "desired";
/** As the platform has it, as far as is known. */
const REPORTED = "reported";
/** As the application wants it, until the platform has it. */
const WANTED = "reported-wanted";
const RESULT = /^\$iothub\/twin\/res\/(\d+)\/\?\$rid=([^&]+)(?:&\$version=(\d+))?/;
const PUSHED = /^\$iothub\/twin\/PATCH\/properties\/desired\/\?\$version=(\d+)$/;
const ANSWER_MS = 15_000;

type Pending = { readonly kind: "get" } | { readonly kind: "report"; readonly reached: Properties };

/**
 * Desired and reported properties (reference B4, "Twin rules"). What is to be reported is what the application wants less
 * what the platform has: so it does not matter how often it is sent, nor when the process ends.
 */
export class Twin {
  /** Resolves when both are known. */
  readonly known: Promise<void>;
  private link: TwinLink | undefined;
  private readonly pending = new Map<string, Pending>();
  private becameKnown: () => void = () => {};
  private retry: NodeJS.Timeout | undefined;
  private readonly backOff: BackOff;
  private waiting: PromiseWithResolvers<void>[] = [];

  constructor(
    private readonly store: Store,
    private readonly desiredChanged: (desired: Versioned) => void,
    private readonly reportRefused: (reason: string) => void,
    times: BackOffTimes,
  ) {
    this.backOff = new BackOff(times);
    this.known = new Promise((resolve) => {
      this.becameKnown = resolve;
    });
    if (this.isKnown) this.becameKnown();
  }

  /** Whether both have ever been heard of. */
  get isKnown(): boolean {
    return this.desired !== undefined && this.reported !== undefined;
  }

  get desired(): Versioned | undefined {
    return this.store.state.get(DESIRED);
  }

  /** As the application sees it: what it wants, else what the platform has. */
  get reportedNow(): Properties {
    return this.store.state.get<Properties>(WANTED) ?? this.reported?.properties ?? {};
  }

  get reportPending(): boolean {
    return this.store.state.get(WANTED) !== undefined;
  }

  /** Resolves when it is on the disk what `change` makes of what was wanted; the platform gets it in time. */
  async report(change: (now: Properties) => Properties): Promise<void> {
    await this.store.write(() => this.store.state.set(WANTED, withoutNulls(change(this.reportedNow))));
    this.sendReport();
  }

  /** Resolves when nothing is left to be reported. Rejects with ClientClosed. */
  reportsSent(): Promise<void> {
    if (!this.reportPending) return Promise.resolve();
    const waiter = Promise.withResolvers<void>();
    this.waiting.push(waiter);
    return waiter.promise;
  }

  close(): void {
    for (const { reject } of this.waiting.splice(0)) reject(new ClientClosed());
  }

  /** There is a connection: what was missed is asked for (reference B4: it always does). */
  connected(link: TwinLink): void {
    this.link = link;
    this.pending.clear();
    this.askForAll();
  }

  disconnected(): void {
    this.link = undefined;
    clearTimeout(this.retry);
    this.retry = undefined;
    this.pending.clear();
  }

  /** Whether the message was one of these. */
  take(topic: string, payload: Buffer): boolean {
    if (!topic.startsWith("$iothub/twin/")) return false;
    const result = RESULT.exec(topic);
    if (result !== null) this.answered(Number(result[1]), result[2] ?? "", result[3], payload);
    const pushed = PUSHED.exec(topic);
    if (pushed !== null) this.pushed(Number(pushed[1]), payload);
    return true;
  }

  private get reported(): Versioned | undefined {
    return this.store.state.get(REPORTED);
  }

  private askForAll(): void {
    if (this.link === undefined || this.isUnderWay("get")) return;
    this.ask("$iothub/twin/GET/", Buffer.alloc(0), { kind: "get" });
  }

  private sendReport(): void {
    const wanted = this.store.state.get<Properties>(WANTED);
    if (this.link === undefined || wanted === undefined || this.reported === undefined) return;
    if (this.isUnderWay("report") || this.isUnderWay("get")) return;
    const patch = difference(this.reported.properties, wanted);
    if (patch === undefined) {
      this.reportDone(wanted);
      return;
    }
    const topic = "$iothub/twin/PATCH/properties/reported/";
    this.ask(topic, Buffer.from(JSON.stringify(patch)), { kind: "report", reached: wanted });
  }

  private ask(topic: string, payload: Buffer, pending: Pending): void {
    const id = randomUUID();
    this.pending.set(id, pending);
    this.link?.send(`${topic}?$rid=${id}`, payload);
    // Answers come with QoS 0: one may be lost.
    setTimeout(() => {
      if (this.pending.delete(id)) this.askForAll();
    }, ANSWER_MS).unref();
  }

  private isUnderWay(kind: Pending["kind"]): boolean {
    return [...this.pending.values()].some((pending) => pending.kind === kind);
  }

  private answered(status: number, id: string, version: string | undefined, payload: Buffer): void {
    const pending = this.pending.get(id);
    if (pending === undefined) return;
    this.pending.delete(id);
    const good = status >= 200 && status < 300;
    if (good) this.backOff.reset();
    const twin = pending.kind === "get" && good ? readTwin(payload) : undefined;
    if (twin !== undefined) this.learn(twin);
    else if (pending.kind === "report" && good) this.reportTaken(pending.reached, version);
    else if (pending.kind === "report" && isFinal(status)) this.dropReport(pending.reached, payload);
    // The platform is busy, or knows better: what it has is asked for, and the difference sent again.
    else this.again(() => this.askForAll());
  }

  private again(work: () => void): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(work, this.backOff.next());
    this.retry.unref();
  }

  private learn({ desired, reported }: { desired: Versioned; reported: Versioned }): void {
    const before = this.desired;
    const newer = before === undefined || desired.version > before.version;
    this.keep(
      () => {
        if (newer) this.store.state.set(DESIRED, desired);
        this.store.state.set(REPORTED, reported);
      },
      () => {
        this.becameKnown();
        if (newer) this.desiredChanged(desired);
        this.sendReport();
      },
    );
  }

  private pushed(version: number, payload: Buffer): void {
    const patch = readSection(jsonOf(payload));
    const before = this.desired;
    if (before !== undefined && version <= before.version) return;
    // One is missing, or it is not to be believed.
    if (patch?.version !== version || before === undefined || version !== before.version + 1) {
      this.askForAll();
      return;
    }
    const desired = { version, properties: applied(patch.properties, before.properties) };
    this.keep(
      () => this.store.state.set(DESIRED, desired),
      () => this.desiredChanged(desired),
    );
  }

  private reportTaken(reached: Properties, version: string | undefined): void {
    const next = version === undefined ? (this.reported?.version ?? 0) + 1 : Number(version);
    this.keep(
      () => this.store.state.set(REPORTED, { version: next, properties: reached }),
      () => this.sendReport(),
    );
  }

  private reportDone(wanted: Properties): void {
    this.keep(
      () => {
        if (this.store.state.get(WANTED) === wanted) this.store.state.set(WANTED, undefined);
      },
      () => {
        if (this.reportPending) return;
        for (const { resolve } of this.waiting.splice(0)) resolve();
      },
    );
  }

  /** The platform will never take it. */
  private dropReport(refused: Properties, payload: Buffer): void {
    this.reportRefused(payload.subarray(0, 1_024).toString("utf8"));
    this.reportDone(refused);
  }

  private keep(apply: () => void, then: () => void): void {
    // What cannot be kept is asked for again with the next connection.
    this.store.write(apply).then(then, () => {});
  }
}

/** Sent again, it would be refused again. */
function isFinal(status: number): boolean {
  return status === 400 || status === 413 || status === 422;
}

function readTwin(payload: Buffer): { desired: Versioned; reported: Versioned } | undefined {
  const json = jsonOf(payload);
  const [desired, reported] = [readSection(json?.["desired"]), readSection(json?.["reported"])];
  return desired && reported && { desired, reported };
}

function readSection(value: unknown): Versioned | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { $version: version, $metadata: _, ...properties } = value as Record<string, unknown>;
  if (typeof version !== "number" || !Number.isSafeInteger(version)) return undefined;
  return { version, properties: properties as Properties };
}

function jsonOf(payload: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
