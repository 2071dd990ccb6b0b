import { joinTunnel, type TunnelOf, TunnelWire } from "@fieldlog/remote";
import type { Arrival } from "../net/server.js";
import { type Closing, closings } from "./closing.js";
import { attach, type EndsParts, tellClosed, tokenOf } from "./ends.js";
import { refusedClosing } from "./refused.js";
import { type Over, TunnelEnd } from "./tunnel-end.js";

const TOKEN = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})$/;

/** The end that a device holds. Whether it may is for the operator's end to say. */
export class DeviceEnd {
  private readonly end: TunnelEnd;
  private wire: TunnelWire | undefined;
  private joined: (TunnelOf & { readonly tunnel: string }) | undefined;

  constructor(
    private readonly parts: EndsParts,
    private readonly arrival: Arrival,
    private readonly onOver: (end: DeviceEnd) => void,
  ) {
    this.end = new TunnelEnd({
      ...{ side: "device", socket: arrival.webSocket, now: parts.now },
      send: (frame) => this.wire?.send(frame),
      onOver: (over) => this.finished(over),
    });
    attach(arrival.webSocket, this.end);
  }

  async open(): Promise<void> {
    const [, tunnel, secret] = TOKEN.exec(tokenOf(this.arrival.request)) ?? [];
    if (tunnel === undefined || secret === undefined) {
      this.close(closings.badToken);
      return;
    }
    try {
      await this.join(tunnel, secret);
    } catch (error) {
      const closing = refusedClosing(error);
      if (closing === undefined) this.parts.logger.error({ err: error }, "a tunnel could not be joined");
      this.close(closing ?? closings.unavailable);
    }
  }

  close(closing: Closing): void {
    this.end.end(closing);
  }

  tick(now: number): void {
    this.end.tick(now);
  }

  private async join(tunnel: string, secret: string): Promise<void> {
    const { connection } = this.parts;
    this.wire = new TunnelWire(connection, tunnel, "device");
    await this.wire.listen((frame) => this.end.frame(frame));
    const of = await joinTunnel(connection, tunnel, secret);
    if (of === undefined) {
      this.close(closings.badToken);
      return;
    }
    this.joined = { ...of, tunnel };
    this.end.begin();
  }

  /** The operator's end tells what became of the tunnel; this one does where that is lost. */
  private finished({ reason, sent, taken }: Over): void {
    this.wire?.stop();
    this.onOver(this);
    if (this.joined === undefined || reason !== closings.edgeLost.reason) return;
    tellClosed(this.parts, { ...this.joined, reason, bytesToDevice: taken, bytesFromDevice: sent });
  }
}
