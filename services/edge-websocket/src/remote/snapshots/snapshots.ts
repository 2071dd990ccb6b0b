import { Budget } from "@fieldlog/admission";
import type { remote } from "@fieldlog/contracts";
import type { RemoteHost } from "@fieldlog/remote";
import type { Message } from "../codec.js";
import type { DeviceEvents } from "../device-events.js";
import type { DeviceFeature, DeviceSession } from "../feature.js";
import { errorOf } from "../notices.js";
import { type StreamKind, WishedStream } from "../wished-stream.js";
import { NoPicture, pictureIn } from "./picture.js";

/** Pictures per second that go on to those who look; a device that sends more is passed over. */
const PICTURES_PER_SECOND = 30;
/** Milliseconds after which a device that shows pictures unasked is told once more to stop. */
const STOP_AGAIN_MS = 10_000;
const STOP = { stopSnapshot: true };

const KIND: StreamKind = {
  ...{ started: "SnapshotStarted", stopped: "SnapshotStopped", failed: "SnapshotFailed" },
  // Firmware knows no resolution; to all others, none is a low one.
  start: (resolution) => ({ startSnapshot: true, ...(resolution === "high" ? { resolution } : {}) }),
  stop: STOP,
  values: ["low", "high"],
  about: (resolution) => ({ resolution }),
};

export interface SnapshotsParts {
  readonly events: Pick<DeviceEvents, "tell">;
  readonly host: Pick<RemoteHost, "show">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/**
 * What a device's camera sees, as long as somebody looks (Edge Impulse's reference, section 2). Pictures go to those who
 * look at that moment, and are kept nowhere.
 */
export class Snapshots implements DeviceFeature {
  readonly keys = ["snapshotFrame", "snapshotStarted", "snapshotStopped", "snapshotFailed"];
  private readonly stream: WishedStream;
  private readonly pictures = new Budget(PICTURES_PER_SECOND, PICTURES_PER_SECOND);
  private toldToStopAt = 0;

  constructor(
    private readonly session: DeviceSession,
    private readonly parts: SnapshotsParts,
  ) {
    this.stream = new WishedStream(KIND, session, parts.events);
  }

  asked(request: remote.RemoteRequest["request"]) {
    const now = this.parts.now();
    if (request.case === "wantSnapshots") return this.want(request.value, now);
    if (request.case !== "stopSnapshots") return undefined;
    const { viewer } = request.value;
    if (viewer === "") this.stream.dismiss(now);
    else this.stream.forget(viewer, now);
    this.toldToStopAt = now;
    return {};
  }

  status() {
    return { snapshotsStreaming: this.stream.isStreaming };
  }

  received(message: Message): void {
    const now = this.parts.now();
    if ("snapshotFrame" in message) this.showed(message["snapshotFrame"], now);
    else if ("snapshotFailed" in message) this.stream.failed(errorOf(message), now);
    else if ("snapshotStopped" in message) this.stream.stopped(now);
    else this.stream.started(now);
  }

  tick(now: number): void {
    this.stream.tick(now);
  }

  closed(): void {
    this.stream.closed(this.parts.now());
  }

  private want({ resolution, viewer }: remote.WantSnapshots, now: number) {
    if (!this.session.hello.supportsSnapshotStreaming) throw new Error("the device cannot stream pictures");
    return this.stream.want(viewer, resolution, now) ? { status: this.status() } : { dismissed: true };
  }

  private showed(frame: unknown, now: number): void {
    let picture: Buffer;
    try {
      picture = pictureIn(frame);
    } catch (error) {
      if (!(error instanceof NoPicture)) throw error;
      this.session.refuse(error.message);
      return;
    }
    if (!this.stream.isWanted) {
      this.unasked(now);
      return;
    }
    // A board that was interrupted by a sampling goes on without saying so; some say nothing when they begin.
    if (!this.stream.isStreaming) this.stream.started(now);
    if (this.pictures.take(now)) this.parts.host.show(this.session.namespace, this.session.device, picture);
  }

  /** A client that lost its connection goes on streaming on the next one. */
  private unasked(now: number): void {
    if (now - this.toldToStopAt < STOP_AGAIN_MS) return;
    this.toldToStopAt = now;
    this.session.send(STOP);
  }
}
