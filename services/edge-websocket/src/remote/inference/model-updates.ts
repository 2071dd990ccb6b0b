import { limits, type remote } from "@fieldlog/contracts";
import type { Message } from "../codec.js";
import type { DeviceEvents } from "../device-events.js";
import type { DeviceFeature, DeviceSession } from "../feature.js";
import { errorOf } from "../notices.js";
import { checkRunsModel } from "./inference-stream.js";

/** Characters of what a device says of its new model. */
const INFERENCE_INFO = 4_096;

/** A new model for a device (version 4): it is told that there is one, fetches it itself, and says what became of that. */
export class ModelUpdates implements DeviceFeature {
  readonly keys = ["modelUpdateSuccess"];
  /** Since when the device has been loading, ms since 1970 UTC; undefined: it is not. */
  private loadingSince: number | undefined;
  private inferenceInfoJson: string | undefined;

  constructor(
    private readonly session: DeviceSession,
    private readonly parts: { readonly events: Pick<DeviceEvents, "tell">; readonly now: () => number },
  ) {}

  asked(request: remote.RemoteRequest["request"]) {
    if (request.case !== "updateModel") return undefined;
    checkRunsModel(this.session);
    this.loadingSince = this.parts.now();
    this.session.send({ newModelAvailable: true, deploymentVersion: request.value.version || "latest" });
    return {};
  }

  status() {
    const { inferenceInfoJson } = this;
    return inferenceInfoJson === undefined ? {} : { inferenceInfoJson };
  }

  received(message: Message): void {
    if (message["modelUpdateSuccess"] !== true) {
      this.failed(errorOf(message));
      return;
    }
    const { inferenceInfo } = message;
    const json = JSON.stringify(inferenceInfo ?? {});
    if (typeof inferenceInfo !== "object" || json.length > INFERENCE_INFO) {
      this.session.refuse("inferenceInfo: must be a map of keys, and not too long");
      return;
    }
    this.loadingSince = undefined;
    this.inferenceInfoJson = json;
    this.parts.events.tell("ModelUpdated", { inferenceInfo });
  }

  tick(now: number): void {
    if (this.loadingSince !== undefined && now - this.loadingSince >= limits.modelUpdateMs) {
      this.failed("the device did not answer");
    }
  }

  closed(): void {
    if (this.loadingSince !== undefined) this.failed("the connection ended before the device answered");
  }

  private failed(error: string): void {
    this.loadingSince = undefined;
    this.parts.events.tell("ModelUpdateFailed", { error });
  }
}
