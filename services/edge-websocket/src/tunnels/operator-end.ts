import { randomBytes } from "node:crypto";
import type { AggregateId, tunnels } from "@fieldlog/contracts";
import { awaitJoin, TunnelWire } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";
import type { Arrival } from "../net/server.js";
import { callDevice } from "./call-device.js";
import { type Closing, closings } from "./closing.js";
import { attach, type EndsParts, tellClosed, tokenOf } from "./ends.js";
import { DEVICE_PATH } from "./paths.js";
import { refusedClosing } from "./refused.js";
import { type Over, TunnelEnd } from "./tunnel-end.js";

/** Milliseconds in which a device is there that said it would be. */
const COMES_MS = 5_000;

/** The end that an operator holds: it calls the device, lets it in, and tells when it is closed. */
export class OperatorEnd {
  private readonly end: TunnelEnd;
  private readonly letGo: (() => void)[] = [];
  private wire: TunnelWire | undefined;
  private opened: tunnels.OpenTunnelResponse | undefined;
  private over: Over | undefined;

  /** @param mayStay whether there is room for one more in the namespace */
  constructor(
    private readonly parts: EndsParts,
    private readonly arrival: Arrival,
    private readonly mayStay: (namespace: string) => boolean,
    private readonly onOver: (end: OperatorEnd) => void,
  ) {
    this.end = new TunnelEnd({
      ...{ side: "operator", socket: arrival.webSocket, now: parts.now },
      send: (frame) => this.wire?.send(frame),
      onOver: (over) => this.finished(over),
    });
    attach(arrival.webSocket, this.end);
  }

  /** Id; undefined: it is not known yet. */
  get namespace(): string | undefined {
    return this.opened?.namespace;
  }

  /** Returns when the device has come, or it is clear why it does not. */
  async open(): Promise<void> {
    try {
      await this.openFor(await this.parts.tunnels.openTunnel({ token: tokenOf(this.arrival.request) }));
    } catch (error) {
      const closing = refusedClosing(error);
      if (closing === undefined) this.parts.logger.error({ err: error }, "a tunnel could not be opened");
      this.close(closing ?? closings.unavailable);
    }
  }

  close(closing: Closing): void {
    this.end.end(closing);
  }

  tick(now: number): void {
    if (this.opened && now >= Number(this.opened.endsAt)) this.close(closings.tooLong);
    this.end.tick(now);
  }

  /** Whoever may not have it any more loses it. */
  decided({ namespace, kind, id }: AggregateId): void {
    if (this.opened === undefined) return;
    const { namespace: own, device, openedBy } = this.opened;
    if (kind === "api-key" && openedBy === `key:${id}`) this.close(closings.keyRevoked);
    const isDevice = kind === "device" && namespace === own && id === device;
    if (isDevice || kind === "namespace" || kind === "clearing") void this.recheck(own, device);
  }

  private async openFor(opened: tunnels.OpenTunnelResponse): Promise<void> {
    this.opened = opened;
    const { namespace, device, tunnel, port } = opened;
    if (this.over !== undefined) {
      this.record(this.over);
      return;
    }
    if (!this.mayStay(namespace)) {
      this.close(closings.tooMany("to devices of this namespace"));
      return;
    }
    const { connection, base, remote } = this.parts;
    const secret = randomBytes(32).toString("base64url");
    const wire = new TunnelWire(connection, tunnel, "operator");
    this.wire = wire;
    let hasCome = false;
    const stopWaiting = awaitJoin(connection, { tunnel, namespace, device, secret }, () => {
      hasCome = true;
      this.end.begin();
    });
    this.hold(stopWaiting);
    this.hold(() => wire.stop());
    await wire.listen((frame) => this.end.frame(frame));
    const uri = `${base(this.arrival.request)}${DEVICE_PATH}?token=${tunnel}.${secret}`;
    const refusal = await callDevice(remote, { namespace, device, tunnel, port, uri });
    if (refusal !== undefined) this.close(refusal);
    if (hasCome || this.over !== undefined) return;
    const timer = setTimeout(() => {
      if (!hasCome) this.close(closings.noAnswer("the device did not come"));
    }, COMES_MS);
    this.hold(() => clearTimeout(timer));
  }

  /** What cannot be found out counts as good. */
  private async recheck(namespace: string, device: string): Promise<void> {
    try {
      await this.parts.tunnels.checkTunnel({ namespace, device });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.code === "not_found") this.close(closings.deviceGone);
      if (error.code === "failed_precondition") this.close(refusedClosing(error) ?? closings.unavailable);
    }
  }

  /** Until it is over. */
  private hold(letGo: () => void): void {
    if (this.over === undefined) this.letGo.push(letGo);
    else letGo();
  }

  private finished(over: Over): void {
    this.over = over;
    for (const letGo of this.letGo.splice(0)) letGo();
    this.record(over);
    this.onOver(this);
  }

  private record({ reason, sent, taken }: Over): void {
    if (this.opened === undefined) return;
    const { namespace, device, tunnel } = this.opened;
    tellClosed(this.parts, {
      ...{ namespace, device, tunnel, reason, bytesToDevice: sent, bytesFromDevice: taken },
    });
  }
}
