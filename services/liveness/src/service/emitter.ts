import { setTimeout as sleep } from "node:timers/promises";
import { REGISTRY, SIGNALS, type SignalsStream } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { counter, histogram, type Logger, type Registry } from "@fieldlog/runtime";
import type { Machine, Transition } from "../core/machine.js";
import { ACTIVE } from "../core/slots.js";
import { transitionSignal } from "../log/transition-signal.js";
import type { LiveTable } from "./table.js";

/** Milliseconds between two looks at the time. */
const LOOK_MS = 500;
/** Milliseconds that a sign of life may be under way from an edge to the log before its device is called inactive. */
const UNDER_WAY_MS = 1_000;
/** Milliseconds to read up to the end of the log. */
const CATCH_UP_MS = 5_000;
/** Transitions that are appended at once. */
const AT_ONCE = 1_024;

export interface EmitterParts {
  readonly log: Pick<EventLog, "signals" | "lastSequence" | "settledEnd">;
  readonly table: LiveTable;
  /** Of the table's shard. */
  readonly stream: SignalsStream;
  readonly logger: Pick<Logger, "warn">;
  readonly metrics: Registry;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/**
 * Tells the log of devices that became active or inactive; one replica at a time. A device is called inactive only
 * after everything has been read that the log had at that moment, so never for a sign of life that was not read yet.
 * Of a cluster more than half of the servers have to agree on where the log ended.
 */
export class Emitter {
  private readonly emitted: { inc(labels: { to: string }): void };
  private readonly delay: { observe(seconds: number): void };
  private wake: () => void = () => undefined;

  constructor(private readonly parts: EmitterParts) {
    this.emitted = counter(parts.metrics, {
      name: "fieldlog_liveness_emitted_total",
      help: "Transitions of devices that this replica wrote to the log, by what they became.",
      labelNames: ["to"],
    });
    this.delay = histogram(parts.metrics, {
      name: "fieldlog_liveness_delay_seconds",
      help: "From the moment at which a device became active or inactive until the log says so.",
    });
    parts.table.onChange(() => this.wake());
  }

  /** Under the lease, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger, table } = this.parts;
    signal.addEventListener("abort", () => this.wake(), { once: true });
    let looked = Number.NEGATIVE_INFINITY;
    let caughtUp: Machine | undefined;
    try {
      while (!signal.aborted) {
        const woken = this.untilWoken();
        try {
          if (caughtUp === undefined || performance.now() - looked >= LOOK_MS) {
            looked = performance.now();
            const known = caughtUp;
            caughtUp = await this.look(caughtUp);
            if (caughtUp !== known) caughtUp?.handOutAgain();
          }
          if (caughtUp !== undefined) await this.emit(signal);
        } catch (error) {
          // What was appended without an answer may be in the log: it is read to its end before anything is told again.
          caughtUp = undefined;
          logger.warn({ reason: (error as Error).message }, "telling who became active or inactive waits");
        }
        await Promise.race([woken, sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)]);
      }
    } finally {
      table.refill();
    }
  }

  /** Lets the time pass as far as everything is known; undefined: that is not so yet. */
  private async look(caughtUp: Machine | undefined): Promise<Machine | undefined> {
    const { table, log, stream, now } = this.parts;
    const { machine } = table;
    const before = now() - UNDER_WAY_MS;
    if (machine === caughtUp && !machine.isAnyDue(before)) return machine;
    const [signals, registry] = await Promise.all([log.settledEnd(stream), log.lastSequence(REGISTRY)]);
    const has = await Promise.all([
      table.has(SIGNALS, signals, CATCH_UP_MS),
      table.has(REGISTRY, registry, CATCH_UP_MS),
    ]);
    if (!has.every(Boolean) || machine !== table.machine) return undefined;
    machine.expire(before);
    return machine;
  }

  private async emit(signal: AbortSignal): Promise<void> {
    const { table } = this.parts;
    while (!signal.aborted && table.notReady() === undefined) {
      const next = table.machine.handOut(AT_ONCE);
      if (next.length === 0) return;
      const outcomes = await Promise.allSettled(next.map((owed) => this.append(owed)));
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }

  /** One device's, one after another. */
  private async append(transitions: readonly Transition[]): Promise<void> {
    const { log, now } = this.parts;
    for (const one of transitions) {
      const at = now();
      await log.signals.append(one.namespace, transitionSignal(one, at));
      this.emitted.inc({ to: one.to === ACTIVE ? "active" : "inactive" });
      this.delay.observe(Math.max(0, (now() - one.at) / 1_000));
    }
  }

  private untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
