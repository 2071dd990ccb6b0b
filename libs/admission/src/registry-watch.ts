import { type AggregateId, aggregateOf, CLEARING, REGISTRY } from "@fieldlog/contracts";
import { type ClearedPart, type Commit, clearedBy, type EventLog } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import { deviceKey, type Known } from "./known.js";
import { Tail } from "./tail.js";

/**
 * Milliseconds after which what was cleared, or is found in a read model, is dropped again: a service whose read model
 * is a moment behind may have told it once more as it was.
 */
const AGAIN_MS = [1_000, 5_000, 30_000];

/**
 * Drops from memory what a decision has changed, as soon as the decision is in the log. Where the
 * connection was lost it goes on from where it was, so that no decision is missed.
 */
export class RegistryWatch {
  private readonly tail: Tail;
  private started = false;
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly log: Pick<EventLog, "read" | "lastSequence">,
    private readonly known: Known,
    logger: Pick<Logger, "warn" | "error">,
    /**
     * Told of every decision after what it changes was dropped from memory. Of a clearing, of kind `clearing`, with the
     * namespace that was cleared and the id of the device that was erased; empty: all of them. More than once.
     */
    private readonly onDecision: (id: AggregateId, commit: Commit) => void = () => undefined,
  ) {
    this.tail = new Tail({
      log,
      stream: REGISTRY,
      logger,
      take: (commit) => this.take(commit),
      onGap: () => this.forgetAll(),
    });
  }

  /** From the log's end on: nothing is in memory yet. To be called before anything is. */
  async start(): Promise<void> {
    this.tail.start({ after: await this.log.lastSequence(REGISTRY) });
    this.started = true;
  }

  stop(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer);
    return this.tail.stop();
  }

  notReady(): string | undefined {
    return this.started ? undefined : "not started";
  }

  private take(commit: Commit): void {
    const id = aggregateOf(commit.subject);
    if (id.kind === CLEARING.kind) this.takeClearing(commit);
    else {
      this.forget(id);
      this.onDecision(id, commit);
    }
  }

  private takeClearing(commit: Commit): void {
    const cleared = clearedBy(commit);
    if (cleared === undefined) return;
    const forget = () => {
      this.forgetCleared(cleared);
      this.onDecision({ ...CLEARING, namespace: cleared.namespace, id: cleared.device ?? "" }, commit);
    };
    this.forgetAndAgain(forget);
  }

  private forgetAndAgain(forget: () => void): void {
    forget();
    for (const ms of AGAIN_MS) {
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        forget();
      }, ms).unref();
      this.timers.add(timer);
    }
  }

  private forgetCleared({ namespace, device }: ClearedPart): void {
    const { known } = this;
    const isOf = (key: string) =>
      device === undefined ? key.startsWith(deviceKey(namespace, "")) : key === deviceKey(namespace, device);
    for (const cache of [known.devices, known.registered, known.signers, known.subscriptions]) {
      cache.invalidateWhere((_, key) => isOf(key));
    }
    known.passwords.invalidateWhere((found) =>
      found.some((value) => isOf(deviceKey(value.namespace, value.device))),
    );
    known.requests.invalidate(namespace);
    if (device === undefined) known.connections.clearNamespace(namespace);
    else known.connections.invalidate(namespace, device);
  }

  private forget(id: AggregateId): void {
    const { known } = this;
    const key = deviceKey(id.namespace, id.id);
    switch (id.kind) {
      case "device":
        known.devices.invalidate(key);
        known.registered.invalidate(key);
        known.signers.invalidate(key);
        known.connections.invalidate(id.namespace, id.id);
        break;
      case "registration":
        known.connections.invalidate(id.namespace, id.id);
        break;
      case "credential":
        known.devices.invalidate(key);
        known.passwords.invalidate(key);
        known.signers.invalidate(key);
        // Those of that id are found in a read model: where others have it, this one may be missing for a moment.
        this.forgetAndAgain(() => known.passwords.invalidate(deviceKey("", id.id)));
        break;
      case "session":
        known.sessions.invalidate(id.id);
        known.deviceSessions.invalidate(id.id);
        break;
      case "member":
        known.roles.invalidateWhere((_, role) => role.startsWith(deviceKey(id.namespace, "")));
        break;
      case "api-key":
        known.keys.invalidateWhere((key) => key.id === id.id);
        known.hmacKeys.invalidate(id.namespace);
        known.deviceSessions.invalidateWhere(({ key }) => key.id === id.id);
        break;
      case "subscription":
        known.subscriptions.invalidate(key);
        break;
      case "data-request":
        known.requests.invalidate(id.namespace);
        break;
      case "namespace":
        this.forgetNamespace(id);
        break;
      default:
        break; // a kind of a later version, which nothing here depends on
    }
  }

  private forgetNamespace({ id: name }: AggregateId): void {
    this.known.namespaces.invalidateWhere((namespace) => namespace.name === name);
    this.known.roles.clear();
  }

  private forgetAll(): void {
    for (const cache of Object.values(this.known)) cache.clear();
  }
}
