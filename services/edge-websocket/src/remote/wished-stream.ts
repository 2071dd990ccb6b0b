import { limits } from "@fieldlog/contracts";
import type { DeviceEvents } from "./device-events.js";
import type { DeviceSession } from "./feature.js";
import { Wishes } from "./wishes.js";

type State = "idle" | "starting" | "streaming" | "stopping";

/** What is streamed: how the device is told, and what its events are called. */
export interface StreamKind {
  readonly started: string;
  readonly stopped: string;
  readonly failed: string;
  /** @param value what is wished for */
  start(value: string): object;
  readonly stop: object;
  /** From the least to the best: of several wishes the best one counts. */
  readonly values: readonly string[];
  /** What an event says of a stream that began. */
  about(value: string): Readonly<Record<string, unknown>>;
}

/**
 * Something that a device streams as long as somebody wishes for it. It is told to start with the first wish and to stop
 * when the last one has ended; each start, stop and failure is an event. Reads no clock: times are ms since 1970 UTC.
 */
export class WishedStream {
  private readonly wishes = new Wishes();
  /** Wished for by somebody who need not be there. */
  private lasting = false;
  private state: State = "idle";
  private since = 0;
  private value: string;
  /** The device has said, or shown, that it streams, and not that it does not any more. */
  private isShown = false;
  private failure: { readonly error: string; readonly at: number } | undefined;

  constructor(
    private readonly kind: StreamKind,
    private readonly session: Pick<DeviceSession, "send">,
    private readonly events: Pick<DeviceEvents, "tell">,
  ) {
    this.value = kind.values[0] ?? "";
  }

  get isStreaming(): boolean {
    return this.state === "streaming";
  }

  get isWanted(): boolean {
    return this.lasting || this.wishes.some;
  }

  /**
   * Somebody wishes for it, from now on or still. False: his wish was ended, and does not count. Raises TooManyWishes, and
   * Error with what the device said: it cannot.
   */
  want(viewer: string, value: string, now: number): boolean {
    const known = this.kind.values.includes(value) ? value : (this.kind.values[0] ?? "");
    if (!this.wishes.want(viewer, known, now)) return false;
    const { failure } = this;
    if (this.state === "idle" && failure !== undefined && isFresh(failure, now))
      throw new Error(failure.error);
    this.look(now);
    return true;
  }

  /** It is wished for until {@link dismiss}. */
  keep(now: number): void {
    this.lasting = true;
    this.failure = undefined;
    this.look(now);
  }

  forget(viewer: string, now: number): void {
    this.wishes.forget(viewer);
    this.look(now);
  }

  /** Nobody's wish counts any more. */
  dismiss(now: number): void {
    this.lasting = false;
    this.wishes.dismiss(now);
    this.look(now);
  }

  /** The device says, or shows, that it streams. */
  started(now: number): void {
    if (this.state === "stopping") return;
    if (this.state !== "streaming") this.become("streaming", now);
    this.failure = undefined;
    if (!this.isShown) this.events.tell(this.kind.started, this.kind.about(this.value));
    this.isShown = true;
    this.look(now);
  }

  /** @param why it did, where it was not told to */
  stopped(now: number, why = "the device stopped"): void {
    const wasTold = this.state === "stopping";
    this.ended(wasTold ? undefined : why, now);
    if (wasTold) this.look(now);
    // One that stops by itself is told to start again, and not at once.
    else this.failure = { error: why, at: now };
  }

  failed(error: string, now: number): void {
    const isNews = this.failure?.error !== error || this.isShown;
    this.become("idle", now);
    this.isShown = false;
    this.lasting = false;
    this.failure = { error, at: now };
    if (isNews) this.events.tell(this.kind.failed, { error });
  }

  tick(now: number): void {
    // So it is with most devices, of which there are thousands.
    if (this.state === "idle" && !this.lasting && this.wishes.none) return;
    this.wishes.tick(now);
    this.look(now);
    if (now - this.since < limits.remoteAnswerMs) return;
    if (this.state === "starting") this.failed("the device did not answer", now);
    else if (this.state === "stopping") this.ended("the device did not answer", now);
  }

  /** The connection is over. */
  closed(now: number): void {
    this.ended("the connection ended", now);
  }

  /** Makes the device do what is wished for. */
  private look(now: number): void {
    const wanted = this.best();
    if (this.state === "idle") {
      if (this.isWanted && !(this.failure && isFresh(this.failure, now))) this.start(wanted, now);
    } else if (this.state !== "stopping" && !this.isWanted) this.stop(now);
    // A stream that runs stays as it is; for a better one it is begun anew.
    else if (this.state === "streaming" && this.isBetter(wanted)) this.stop(now);
  }

  private best(): string {
    const { values } = this.kind;
    return values.findLast((value) => this.wishes.has(value)) ?? values[0] ?? "";
  }

  private isBetter(value: string): boolean {
    return this.kind.values.indexOf(value) > this.kind.values.indexOf(this.value);
  }

  private start(value: string, now: number): void {
    this.become("starting", now);
    this.value = value;
    this.session.send(this.kind.start(value));
  }

  private stop(now: number): void {
    this.become("stopping", now);
    this.session.send(this.kind.stop);
  }

  private become(state: State, now: number): void {
    this.state = state;
    this.since = now;
  }

  private ended(reason: string | undefined, now: number): void {
    this.become("idle", now);
    if (!this.isShown) return;
    this.isShown = false;
    this.events.tell(this.kind.stopped, reason === undefined ? {} : { reason });
  }
}

/** So shortly after a failure it would fail again. */
function isFresh({ at }: { readonly at: number }, now: number): boolean {
  return now - at < limits.remoteWishMs;
}
