import { Budget } from "@fieldlog/admission";
import { limits, type remote } from "@fieldlog/contracts";
import type { RemoteHost } from "@fieldlog/remote";
import type { Message } from "../codec.js";
import type { DeviceEvents } from "../device-events.js";
import type { DeviceFeature, DeviceSession } from "../feature.js";
import { errorOf } from "../notices.js";
import { Wishes } from "../wishes.js";
import { NoPicture, pictureIn } from "./picture.js";

/** Pictures per second that go on to those who look; a device that sends more is passed over. */
const PICTURES_PER_SECOND = 30;
/** Milliseconds after which a device that shows pictures unasked is told once more to stop. */
const STOP_AGAIN_MS = 10_000;

export interface SnapshotsParts {
  readonly events: Pick<DeviceEvents, "tell">;
  readonly host: Pick<RemoteHost, "show">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

type State = "idle" | "starting" | "streaming" | "stopping";

/**
 * What a device's camera sees, as long as somebody looks (Edge Impulse's reference, section 2): started with the first
 * wish, stopped when the last one has ended. Each start, stop and failure is an event; pictures go to who looks at that
 * moment, and are kept nowhere.
 */
export class Snapshots implements DeviceFeature {
  readonly keys = ["snapshotFrame", "snapshotStarted", "snapshotStopped", "snapshotFailed"];
  private readonly wishes = new Wishes();
  private readonly pictures = new Budget(PICTURES_PER_SECOND, PICTURES_PER_SECOND);
  private state: State = "idle";
  /** Since when, ms since 1970 UTC. */
  private since = 0;
  /** In which it streams, or was asked to. */
  private resolution = "low";
  /** The device has said, or shown, that it streams, and not that it does not any more. */
  private isShown = false;
  private failure: { readonly error: string; readonly at: number } | undefined;
  private toldToStopAt = 0;

  constructor(
    private readonly session: DeviceSession,
    private readonly parts: SnapshotsParts,
  ) {}

  asked(request: remote.RemoteRequest["request"]) {
    const now = this.parts.now();
    if (request.case === "wantSnapshots") return this.want(request.value, now);
    if (request.case !== "stopSnapshots") return undefined;
    const { viewer } = request.value;
    if (viewer === "") this.wishes.dismiss(now);
    else this.wishes.forget(viewer);
    this.look(now);
    return {};
  }

  status() {
    return { snapshotsStreaming: this.state === "streaming" };
  }

  received(message: Message): void {
    const now = this.parts.now();
    if ("snapshotFrame" in message) this.showed(message["snapshotFrame"], now);
    else if ("snapshotFailed" in message) this.failed(errorOf(message), now);
    else if ("snapshotStopped" in message) this.stopped(now);
    else this.started(now);
  }

  tick(now: number): void {
    this.wishes.tick(now);
    this.look(now);
    if (now - this.since < limits.remoteAnswerMs) return;
    if (this.state === "starting") this.failed("the device did not answer", now);
    else if (this.state === "stopping") this.ended("the device did not answer", now);
  }

  closed(): void {
    this.ended("the connection ended", this.parts.now());
  }

  /** Raises TooManyWishes, and Error with what the device said: it cannot. */
  private want({ resolution, viewer }: remote.WantSnapshots, now: number) {
    if (!this.session.hello.supportsSnapshotStreaming) throw new Error("the device cannot stream pictures");
    if (!this.wishes.want(viewer, resolution === "high" ? "high" : "low", now)) return { dismissed: true };
    const { failure } = this;
    const isFresh = failure !== undefined && now - failure.at < limits.remoteWishMs;
    if (this.state === "idle" && isFresh) throw new Error(failure.error);
    this.look(now);
    return { status: this.status() };
  }

  /** Makes the device do what is wished for. */
  private look(now: number): void {
    const wanted = this.wishes.has("high") ? "high" : "low";
    const isWanted = this.wishes.some;
    if (this.state === "idle" && isWanted) this.start(wanted, now);
    else if (this.state === "streaming" && isWanted && wanted === "high" && this.resolution === "low") {
      // A stream that runs keeps its resolution; it is begun anew.
      this.stop(now);
    } else if ((this.state === "starting" || this.state === "streaming") && !isWanted) this.stop(now);
  }

  private start(resolution: string, now: number): void {
    if (this.failure !== undefined && now - this.failure.at < limits.remoteWishMs) return;
    this.become("starting", now);
    this.resolution = resolution;
    // Firmware knows no resolution; to all others, none is a low one.
    this.session.send({ startSnapshot: true, ...(resolution === "high" ? { resolution } : {}) });
  }

  private stop(now: number): void {
    this.become("stopping", now);
    this.toldToStopAt = now;
    this.session.send({ stopSnapshot: true });
  }

  private become(state: State, now: number): void {
    this.state = state;
    this.since = now;
  }

  private started(now: number): void {
    if (this.state === "stopping") return;
    if (this.state !== "streaming") this.become("streaming", now);
    this.failure = undefined;
    if (!this.isShown) this.parts.events.tell("SnapshotStarted", { resolution: this.resolution });
    this.isShown = true;
    this.look(now);
  }

  private stopped(now: number): void {
    const wasAsked = this.state === "stopping";
    this.ended(wasAsked ? undefined : "the device stopped", now);
    if (wasAsked) this.look(now);
    // One that stops by itself is asked again when somebody renews his wish, and not at once.
    else this.failure = { error: "the device stopped", at: now };
  }

  private failed(error: string, now: number): void {
    const isNews = this.failure?.error !== error || this.isShown;
    this.become("idle", now);
    this.isShown = false;
    this.failure = { error, at: now };
    if (isNews) this.parts.events.tell("SnapshotFailed", { error });
  }

  private ended(reason: string | undefined, now: number): void {
    this.become("idle", now);
    if (!this.isShown) return;
    this.isShown = false;
    this.parts.events.tell("SnapshotStopped", reason === undefined ? {} : { reason });
  }

  /** A board that was interrupted by a sampling goes on without saying so; some say nothing when they begin. */
  private showed(frame: unknown, now: number): void {
    let picture: Buffer;
    try {
      picture = pictureIn(frame);
    } catch (error) {
      if (!(error instanceof NoPicture)) throw error;
      this.session.refuse(error.message);
      return;
    }
    if (!this.wishes.some) this.unasked(now);
    else {
      if (this.state !== "stopping" && !this.isShown) this.started(now);
      if (this.pictures.take(now)) this.parts.host.show(this.session.namespace, this.session.device, picture);
    }
  }

  /** A client that lost its connection goes on streaming on the next one. */
  private unasked(now: number): void {
    if (now - this.toldToStopAt < STOP_AGAIN_MS) return;
    this.toldToStopAt = now;
    this.session.send({ stopSnapshot: true });
  }
}
