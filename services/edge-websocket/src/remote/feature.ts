import type { MessageInitShape } from "@bufbuild/protobuf";
import type { remote } from "@fieldlog/contracts";
import type { Encoding, Message } from "./codec.js";
import type { Hello } from "./hello.js";

/** A device that is connected and was let in, as the parts see it that have to do with it. */
export interface DeviceSession {
  /** Id. */
  readonly namespace: string;
  readonly device: string;
  /** A UUID. */
  readonly connection: string;
  readonly encoding: Encoding;
  readonly hello: Hello;
  /** One frame, in the device's encoding. Of one that is gone: nothing. */
  send(message: object): void;
  /** The same of a frame that was encoded for it. */
  sendEncoded(frame: string | Uint8Array): void;
  /**
   * Sends the message as soon as it is known, after those that were promised before; every other frame is held back until
   * then. A promise that fails: nothing is sent for it.
   */
  answerFirst(message: Promise<object>): void;
  /** Tells the device that what it sent is not taken, and why; the connection goes on. */
  refuse(err: string): void;
  /** Nothing is read from the device until {@link resume}; calls of the two are counted. */
  pause(): void;
  resume(): void;
}

/** One thing that a device does besides being there. */
export interface DeviceFeature {
  /** Keys by which messages are known to be for it. */
  readonly keys: readonly string[];
  /** A message with one of them. */
  received(message: Message): void;
  /** What somebody wants of the device; undefined: it is not for this feature. What it raises is answered as a refusal. */
  asked?(
    request: remote.RemoteRequest["request"],
  ): MessageInitShape<typeof remote.RemoteReplySchema> | undefined;
  /** What is told of it to whoever asks how the device is. */
  status?(): Partial<MessageInitShape<typeof remote.RemoteStatusSchema>>;
  /** Once a second. */
  tick?(now: number): void;
  /** The connection is over. */
  closed?(): void;
}

/** Called when the device has been told that it is let in. */
export type MakeFeature = (session: DeviceSession) => DeviceFeature;
