import type { remote } from "@fieldlog/contracts";
import type { Message } from "../codec.js";
import type { DeviceEvents } from "../device-events.js";
import type { DeviceFeature, DeviceSession } from "../feature.js";
import { errorOf } from "../notices.js";
import { type StreamKind, WishedStream } from "../wished-stream.js";

const KIND: StreamKind = {
  started: "InferenceStreamStarted",
  stopped: "InferenceStreamStopped",
  failed: "InferenceStreamFailed",
  start: () => ({ startInferenceStream: true }),
  stop: { stopInferenceStream: true },
  values: [""],
  about: () => ({}),
};
const UNABLE = "the device cannot tell what its model sees";

/** Raises Error where the device runs no model, or its protocol has no word for it (before version 4). */
export function checkRunsModel({ hello, encoding }: Pick<DeviceSession, "hello" | "encoding">): void {
  if (hello.mode !== "inference" || encoding !== "json") throw new Error("the device runs no model");
}

/**
 * Whether a device tells what its model sees as it sees it (version 4). A client that lost its connection goes on doing so
 * on the next one; it is told to stop whenever somebody asks for that.
 */
export class InferenceStream implements DeviceFeature {
  readonly keys = ["inferenceStreamStarted", "inferenceStreamStopped", "inferenceStreamFailed"];
  private readonly stream: WishedStream;

  constructor(
    private readonly session: DeviceSession,
    private readonly parts: { readonly events: Pick<DeviceEvents, "tell">; readonly now: () => number },
  ) {
    this.stream = new WishedStream(KIND, session, parts.events);
  }

  asked(request: remote.RemoteRequest["request"]) {
    const now = this.parts.now();
    if (request.case === "wantInference") {
      checkRunsModel(this.session);
      const { lasting, viewer } = request.value;
      if (lasting) this.stream.keep(now);
      else if (!this.stream.want(viewer, "", now)) return { dismissed: true };
      return { status: this.status() };
    }
    if (request.case !== "stopInference") return undefined;
    checkRunsModel(this.session);
    const { viewer } = request.value;
    if (viewer !== "") this.stream.forget(viewer, now);
    else if (this.stream.isWanted) this.stream.dismiss(now);
    else this.session.send(KIND.stop);
    return {};
  }

  status() {
    return { inferenceStreaming: this.stream.isStreaming };
  }

  received(message: Message): void {
    const now = this.parts.now();
    if (message["inferenceStreamStarted"] === true) this.stream.started(now);
    else if ("inferenceStreamStarted" in message) this.stream.failed(UNABLE, now);
    else if ("inferenceStreamStopped" in message) this.stream.stopped(now);
    else this.stream.failed(errorOf(message), now);
  }

  /** The client stops by itself when a record is not acknowledged, without a word. */
  interrupted(): void {
    if (this.stream.isStreaming) this.stream.stopped(this.parts.now(), "a record was not kept");
  }

  tick(now: number): void {
    this.stream.tick(now);
  }

  closed(): void {
    this.stream.closed(this.parts.now());
  }
}
