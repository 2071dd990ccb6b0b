import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { remote, remoteDeviceSubject, remoteFramesSubject } from "@fieldlog/contracts";
import { errors, type NatsConnection } from "@nats-io/transport-node";

/** Milliseconds for an answer of an edge. */
const ANSWER_MS = 2_000;

/** NATS does not answer, or the edge that holds the device does not. */
export class RemoteUnavailable extends Error {
  constructor(options?: ErrorOptions) {
    super("the device's connection cannot be reached now", options);
    this.name = "RemoteUnavailable";
  }
}

/** Asks the edges for devices that are connected. */
export class RemoteDevices {
  constructor(private readonly connection: NatsConnection) {}

  /**
   * undefined: the device is not connected to any edge. Raises RemoteUnavailable.
   *
   * @param timeoutMs for the answer
   */
  async ask(
    namespace: string,
    device: string,
    request: NonNullable<MessageInitShape<typeof remote.RemoteRequestSchema>["request"]>,
    timeoutMs = ANSWER_MS,
  ): Promise<remote.RemoteReply | undefined> {
    const subject = remoteDeviceSubject(namespace, device);
    const message = create(remote.RemoteRequestSchema, { request });
    try {
      const answer = await this.connection.request(subject, toBinary(remote.RemoteRequestSchema, message), {
        timeout: timeoutMs,
      });
      return fromBinary(remote.RemoteReplySchema, answer.data);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw new RemoteUnavailable({ cause: error });
    }
  }

  /** undefined: the device is not connected. Raises RemoteUnavailable. */
  async status(namespace: string, device: string): Promise<remote.RemoteStatus | undefined> {
    return (await this.ask(namespace, device, { case: "getStatus", value: {} }))?.status;
  }

  /** Pictures of the device's camera from now on, as they come. Returns what ends it. */
  watchFrames(namespace: string, device: string, onFrame: (jpeg: Uint8Array) => void): () => void {
    const frames = this.connection.subscribe(remoteFramesSubject(namespace, device), {
      callback: (error, message) => {
        if (!error) onFrame(message.data);
      },
    });
    return () => frames.unsubscribe();
  }
}

/** Whether an answer says that nobody listens there. */
export function isAbsence(error: unknown): boolean {
  return (
    error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders())
  );
}
