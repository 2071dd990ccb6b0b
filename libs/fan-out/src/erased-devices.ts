import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { CLEARING, deviceBoundTo, REGISTRY, registrySubject, signals } from "@fieldlog/contracts";
import { type Commit, clearingIn, decodeBatch, type EventLog, encodeBatch } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";

export interface ErasedDevicesParts {
  readonly log: Pick<EventLog, "read" | "lastSequence">;
  readonly logger: Pick<Logger, "warn" | "error">;
}

const PAUSE_MS = 500;
/** In the place of a signal that is not shown, so that those behind it keep their positions. */
const NOTHING = toBinary(signals.SignalSchema, create(signals.SignalSchema));

/**
 * The devices that were erased, as REGISTRY tells: a commit of signals holds signals of many devices and cannot be
 * cut, so whoever reads it leaves theirs out, and what was sent to them. About 100 bytes of memory for each.
 */
export class ErasedDevices {
  /** Resolves once all are known that were erased by now. */
  readonly ready: Promise<void>;
  /** By namespace and device: the sequence of its signals from which on it can have said nothing. */
  private readonly until = new Map<string, Map<string, number>>();
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(private readonly parts: ErasedDevicesParts) {
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.running = this.run(ready.resolve);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** A commit's data without what erased devices said and were sent; the very same where there is nothing of theirs. */
  without(namespace: string, sequence: number, data: Uint8Array): Uint8Array {
    const devices = this.until.get(namespace);
    if (devices === undefined || ![...devices.values()].some((until) => sequence < until)) return data;
    try {
      const all = decodeBatch(data);
      const isErased = (signal: signals.Signal) =>
        [signal.device, deviceBoundTo(signal.publication?.topic ?? "")].some(
          (device) => device !== undefined && sequence < (devices.get(device) ?? 0),
        );
      if (!all.some(isErased)) return data;
      return encodeBatch(
        all.map((each) => (isErased(each) ? NOTHING : toBinary(signals.SignalSchema, each))),
      );
    } catch {
      return data; // what is no commit is told by whoever reads it
    }
  }

  private async run(ready: () => void): Promise<void> {
    const { log, logger } = this.parts;
    const { signal } = this.stopping;
    const subject = registrySubject(CLEARING);
    let after = 0;
    let known = false;
    const take = (commits: readonly Commit[]) => {
      for (const commit of commits) {
        this.take(commit);
        after = commit.sequence;
      }
    };
    while (!signal.aborted) {
      try {
        const until = known ? 0 : await log.lastSequence(REGISTRY);
        if (until > 0) {
          for await (const commits of log.read(REGISTRY, { after, subject, until, signal })) take(commits);
        }
        known = true;
        ready();
        for await (const commits of log.read(REGISTRY, { after, subject, signal })) take(commits);
      } catch (err) {
        logger.warn({ err }, "reading what was erased was interrupted; trying again");
      }
      if (!signal.aborted) await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
    ready();
  }

  private take({ data }: Commit): void {
    const event = clearingIn(data);
    if (event === undefined) return;
    const { namespace, device } = event;
    if (device === "") {
      // Once its signals are purged, none of theirs are left.
      if (event.signalsBefore > 0n) this.until.delete(namespace);
      return;
    }
    const devices = this.until.get(namespace) ?? new Map<string, number>();
    devices.set(device, event.signalsBefore > 0n ? Number(event.signalsBefore) : Number.POSITIVE_INFINITY);
    this.until.set(namespace, devices);
  }
}
