import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { remote, remoteDeviceSubject, remoteFramesSubject } from "@fieldlog/contracts";
import type { Msg, NatsConnection } from "@nats-io/transport-node";

type Reply = MessageInitShape<typeof remote.RemoteReplySchema>;

/** Does what is asked of a device; what it raises is answered as a refusal; undefined: it is not this edge's to answer. */
export type Answer = (
  request: remote.RemoteRequest["request"],
) => Reply | undefined | Promise<Reply | undefined>;

/** An edge's side: it is there for the devices whose connections it holds. */
export class RemoteHost {
  constructor(private readonly connection: NatsConnection) {}

  /**
   * From now on the device is connected here, and `answer` is asked; any other edge that holds an older connection of it
   * is told. Returns what ends it. Own announcements come to `answer` as well.
   */
  hold(device: HeldDevice, answer: Answer): () => void {
    const subject = remoteDeviceSubject(device.namespace, device.device);
    const held = this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (!error) void reply(message, answer);
      },
    });
    this.announce(device);
    return () => held.unsubscribe();
  }

  /** Tells the others that hold a connection of the device of this one. */
  announce({ namespace, device, connection, connectedAt }: HeldDevice): void {
    const request = { case: "replaced" as const, value: { connection, connectedAt: BigInt(connectedAt) } };
    const announcement = create(remote.RemoteRequestSchema, { request });
    const subject = remoteDeviceSubject(namespace, device);
    this.connection.publish(subject, toBinary(remote.RemoteRequestSchema, announcement));
  }

  /** To whoever looks at this moment. */
  show(namespace: string, device: string, jpeg: Uint8Array): void {
    this.connection.publish(remoteFramesSubject(namespace, device), jpeg);
  }
}

export interface HeldDevice {
  /** Namespace id. */
  readonly namespace: string;
  readonly device: string;
  /** A UUID. */
  readonly connection: string;
  /** ms since 1970 UTC. */
  readonly connectedAt: number;
}

async function reply(message: Msg, answer: Answer): Promise<void> {
  let answered: Reply | undefined;
  try {
    answered = await answer(fromBinary(remote.RemoteRequestSchema, message.data).request);
  } catch (error) {
    answered = { refused: (error as Error).message };
  }
  if (!message.reply || answered === undefined) return;
  const bytes = toBinary(remote.RemoteReplySchema, create(remote.RemoteReplySchema, answered));
  try {
    message.respond(bytes);
  } catch {
    // The connection is closed: whoever asked knows.
  }
}
