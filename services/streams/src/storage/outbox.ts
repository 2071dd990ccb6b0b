import { setTimeout as delay } from "node:timers/promises";
import type { EventLog } from "@fieldlog/event-log";
import { LeasedWork, Tasks } from "@fieldlog/read-model";
import type { Logger } from "@fieldlog/runtime";
import type { MessageRow } from "../sorting/tables.js";
import { BatchFiles } from "./batch-files.js";
import { LeftOut } from "./left-out.js";
import { resultOf, settled } from "./settled.js";
import { batchSignal, messageSignal } from "./signals.js";
import { type StorageParts, type Stored, StoredMessages } from "./stored-messages.js";

/** Messages, and batches, of a round; batches of it that become files at once. */
const MESSAGES = 1_024;
const BATCHES = 256;
const FILES = 8;
/** Milliseconds between two looks, while there is nothing to do, and after something failed. */
const PAUSE_MS = 100;
const AGAIN_MS = 1_000;

export interface OutboxParts extends StorageParts {
  readonly log: Pick<EventLog, "signals">;
  readonly logger: Pick<Logger, "info" | "warn">;
  /** postgres://… */
  readonly url: string;
  /** Whether the tables that this looks into are made, and of this version. */
  readonly tablesMade: () => Promise<boolean>;
}

/**
 * Stores each complete message, unpacked, and tells of it; then of batches that are complete, which become files. One
 * replica at a time; what was done and not noted is done again, and what it was stored as before belongs to nobody.
 */
export class Outbox {
  private readonly leased: LeasedWork;
  private readonly messages: StoredMessages;
  private readonly batches: BatchFiles;
  private readonly withoutMessages = new LeftOut();
  private readonly withoutBatches = new LeftOut();

  constructor(private readonly parts: OutboxParts) {
    this.messages = new StoredMessages(parts);
    this.batches = new BatchFiles(parts);
    const { url, logger, database } = parts;
    const { schema } = database;
    this.leased = new LeasedWork({ url, schema, name: "outbox", logger }, async (held) => {
      while (!held.aborted && !(await parts.tablesMade())) await pausing(PAUSE_MS, held);
      const tasks = new Tasks(held);
      tasks.run((until) => this.work(until, () => this.messageRound()));
      tasks.run((until) => this.work(until, () => this.batchRound()));
      await tasks.ended();
    });
  }

  start(): void {
    this.leased.start();
  }

  stop(): Promise<void> {
    return this.leased.stop();
  }

  /** @param round returns whether there was as much to do as is done at once */
  private async work(signal: AbortSignal, round: () => Promise<boolean>): Promise<void> {
    while (!signal.aborted) {
      const pause = await round().then(
        (isMore) => (isMore ? 0 : PAUSE_MS),
        (err: unknown) => {
          this.parts.logger.warn({ err }, "storing what is complete is tried again");
          return AGAIN_MS;
        },
      );
      if (pause > 0) await pausing(pause, signal);
    }
  }

  private async messageRound(): Promise<boolean> {
    const waiting = await this.messages.waiting(MESSAGES, this.withoutMessages.names());
    const stored = await this.messages.store(waiting);
    this.withoutMessages.note(waiting, stored);
    // The log takes them in the order in which it is given them.
    const told = await settled(waiting.entries(), MESSAGES, async ([index, message]) => {
      const one = resultOf(stored[index] as (typeof stored)[number]);
      await this.tellMessage(message, one);
      return { message, stored: one };
    });
    const done = told.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    await this.messages.note(
      done.map(({ message }) => message),
      done.map((one) => one.stored),
    );
    raiseFirst(told);
    return waiting.length > 0;
  }

  private async tellMessage(message: MessageRow, stored: Stored | undefined): Promise<void> {
    if (stored === undefined) return;
    const position = Number(message.position);
    await this.parts.log.signals.append(
      message.namespace,
      messageSignal({ ...message, ...stored, position }),
    );
  }

  private async batchRound(): Promise<boolean> {
    const waiting = await this.batches.waiting(BATCHES, this.withoutBatches.names());
    const stored = await settled(waiting, FILES, (batch) => this.batches.store(batch));
    this.withoutBatches.note(waiting, stored);
    const told = await settled(waiting.entries(), BATCHES, async ([index, batch]) => {
      const files = resultOf(stored[index] as (typeof stored)[number]);
      const signal = batchSignal({ ...batch, ...files, number: Number(batch.number) });
      await this.parts.log.signals.append(batch.namespace, signal);
    });
    await this.batches.note(waiting.filter((_, index) => told[index]?.status === "fulfilled"));
    raiseFirst(told);
    return waiting.length > 0;
  }
}

/** What failed is tried again with the next look; what did not was not held up by it. */
function raiseFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

async function pausing(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
