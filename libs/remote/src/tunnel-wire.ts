import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { remote, type TunnelEnd, tunnelSubject } from "@fieldlog/contracts";
import type { NatsConnection } from "@nats-io/transport-node";

/** What one end of a tunnel says to the other; {@link remote.TunnelFrame}. */
export interface TunnelFrame {
  readonly sent: number;
  readonly taken: number;
  readonly data: Uint8Array;
  readonly ended: boolean;
  readonly closing: { readonly code: number; readonly reason: string } | undefined;
}

/** Between the two edges that hold the ends of a tunnel. NATS keeps none of it: what is lost is for the ends to notice. */
export class TunnelWire {
  private readonly there: string;
  private listening: { unsubscribe(): void } | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly tunnel: string,
    private readonly end: TunnelEnd,
  ) {
    this.there = tunnelSubject(tunnel, end === "operator" ? "device" : "operator");
  }

  /** Resolves when nothing that is sent from now on is missed. Raises what NATS raises. */
  async listen(onFrame: (frame: TunnelFrame) => void): Promise<void> {
    this.listening = this.connection.subscribe(tunnelSubject(this.tunnel, this.end), {
      callback: (error, message) => {
        if (!error) onFrame(decoded(message.data));
      },
    });
    await this.connection.flush();
  }

  send({ sent, taken, data, ended, closing }: TunnelFrame): void {
    if (this.connection.isClosed()) return;
    const frame = create(remote.TunnelFrameSchema, {
      ...{ sent: BigInt(sent), taken: BigInt(taken), data, ended },
      ...{ closeCode: closing?.code ?? 0, closeReason: closing?.reason ?? "" },
    });
    this.connection.publish(this.there, toBinary(remote.TunnelFrameSchema, frame));
  }

  stop(): void {
    this.listening?.unsubscribe();
  }
}

function decoded(bytes: Uint8Array): TunnelFrame {
  const { sent, taken, data, ended, ...frame } = fromBinary(remote.TunnelFrameSchema, bytes);
  const closing = frame.closeCode === 0 ? undefined : { code: frame.closeCode, reason: frame.closeReason };
  return { sent: Number(sent), taken: Number(taken), data, ended, closing };
}
