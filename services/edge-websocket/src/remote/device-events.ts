import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { Budget } from "@fieldlog/admission";
import { type Position, signals } from "@fieldlog/contracts";
import { type EventLog, LogUnavailable, QueueFull } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { DeviceSession } from "./feature.js";

/** The part of the platform that says what devices did for a person. */
const ISSUER = "sampling";
/** Times that an event is tried again while the log takes nothing, and milliseconds between two of them. */
const ATTEMPTS = 12;
const PAUSE_MS = 5_000;
/** Notices of one device that become events: per second, sustained, and at once. */
const TOLD_PER_SECOND = 5;
const TOLD_AT_ONCE = 100;

export interface DeviceEventsParts {
  readonly log: Pick<EventLog, "signals">;
  readonly logger: Pick<Logger, "warn">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** What is on its way to the log. */
  readonly underWay: Set<Promise<void>>;
  /** Waits that many milliseconds; default: by the clock. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** An event of a device. */
export interface ToldEvent {
  readonly name: string;
  /** What makes it one and the same when it is told again; unique per device. */
  readonly identity: string;
  /** ms since 1970 UTC. */
  readonly occurredAt: number;
  /** JSON. */
  readonly data: Buffer;
}

/** What is written to the log of a connected device, in the order in which it happened. */
export class DeviceEvents {
  private turns: Promise<void> = Promise.resolve();
  private readonly budget = new Budget(TOLD_PER_SECOND, TOLD_AT_ONCE);
  private told = 0;

  constructor(
    private readonly parts: DeviceEventsParts,
    private readonly session: Pick<DeviceSession, "namespace" | "device" | "connection" | "refuse">,
  ) {}

  /** What the platform says of the device; nobody waits for it, so it is tried again for a minute while the log is away. */
  tell(name: string, data: Readonly<Record<string, unknown>>): void {
    const identity = `remote/${this.session.connection}/${this.told++}`;
    const occurredAt = this.parts.now();
    this.enqueue({ name, identity, occurredAt, data: Buffer.from(JSON.stringify(data)) }, ISSUER);
  }

  /** The same of what the device itself says, and is not told that it was kept. */
  note(event: ToldEvent): void {
    this.enqueue(event, "");
  }

  /** What the device itself says, once it is on disk. Raises what the log raises. */
  async append(event: ToldEvent): Promise<Position> {
    return await this.write(event, "");
  }

  private enqueue(event: ToldEvent, issuer: string): void {
    if (!this.budget.take(this.parts.now())) {
      this.session.refuse(`too many notices at once: ${event.name} was not kept`);
      return;
    }
    const { underWay } = this.parts;
    const turn = this.turns.then(() => this.keepTrying(event, issuer));
    underWay.add(turn);
    this.turns = turn.then(() => void underWay.delete(turn));
  }

  private async keepTrying(event: ToldEvent, issuer: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.write(event, issuer);
        return;
      } catch (err) {
        const isPassing = err instanceof LogUnavailable || err instanceof QueueFull;
        if (!isPassing || attempt === ATTEMPTS) {
          const { device } = this.session;
          this.parts.logger.warn({ err, device, event: event.name }, "an event could not be written");
          return;
        }
        await (this.parts.wait ?? waitByClock)(PAUSE_MS);
      }
    }
  }

  private async write({ name, identity, occurredAt, data }: ToldEvent, issuer: string): Promise<Position> {
    const { namespace, device } = this.session;
    const signal = create(signals.SignalSchema, {
      ...{ device, identity },
      digest: createHash("sha256").update(data).digest().subarray(0, 8),
      receivedAt: BigInt(this.parts.now()),
      occurredAt: BigInt(occurredAt),
      body: { case: "event", value: { name, issuer, data } },
    });
    return await this.parts.log.signals.append(namespace, toBinary(signals.SignalSchema, signal));
  }
}

async function waitByClock(ms: number): Promise<void> {
  await sleep(ms, undefined, { ref: false });
}
