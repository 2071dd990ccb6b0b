import { randomUUID } from "node:crypto";
import { deviceKey, type Known, LoadsExceeded } from "@fieldlog/admission";
import { limits, type remote } from "@fieldlog/contracts";
import type { RemoteHost } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";
import type { Principal } from "../access/principal.js";
import { encodePublishHead } from "../codec/encode-publish.js";
import { PacketType } from "../codec/packet-type.js";
import { BadPacket, Reason } from "../codec/reason.js";
import type { Client, Dialect } from "../connection/client.js";
import type { InboundPublish } from "../publish/inbound.js";
import { type PublishOutcome, refused } from "../publish/outcome.js";
import type { Publishing } from "../publish/publishing.js";
import type { Implicit } from "../sessions/types.js";
import { MethodCalls, MethodFailed } from "./method-calls.js";
import { readTelemetry } from "./telemetry.js";
import {
  desiredTopic,
  deviceBoundFilter,
  type HubRequest,
  isHubFilter,
  isHubTopic,
  methodTopic,
  readHubRequest,
  telemetryTopic,
  twinAnswerTopic,
} from "./topics.js";
import { type DesiredPush, type PropertiesClient, Twin, type TwinAnswer } from "./twin.js";

export interface HubParts {
  readonly properties: PropertiesClient;
  readonly registered: Pick<Known["registered"], "get">;
  readonly remote: Pick<RemoteHost, "hold">;
  readonly publishing: Pick<Publishing, "publishToStream">;
}

type Outcome = PublishOutcome | Promise<PublishOutcome>;

/** Milliseconds by which the clocks of the log and of whoever registered the device may differ. */
const CLOCKS_MS = 60_000;
const DONE: PublishOutcome = { kind: "stored", position: 0 };
const RETRY: PublishOutcome = { kind: "unavailable", retryAfterS: 1 };
const NOTHING_SAID = {
  ...{ utf8: false, contentType: "", responseTopic: "", correlationData: new Uint8Array() },
  ...{ userProperties: [], expiresAt: undefined },
};

/** One device's connection in the dialect of spotflow reference B4. */
export class HubConnection implements Dialect {
  readonly subscriptions: Implicit;
  private readonly telemetry: string;
  private readonly twin: Twin;
  private readonly methods: MethodCalls;
  /** Twins are asked for and changed one after another. */
  private turn: Promise<unknown> = Promise.resolve();
  private letGo: (() => void) | undefined;

  constructor(
    private readonly client: Client,
    private readonly principal: Principal,
    hubId: string,
    private readonly parts: HubParts,
    private readonly onClose: (connection: HubConnection) => void,
  ) {
    const { namespace, id } = principal;
    this.telemetry = telemetryTopic(hubId);
    this.twin = new Twin(parts.properties, { namespace, id });
    this.methods = new MethodCalls((call, name, payload) => this.send(methodTopic(name, call), payload));
    const filter = deviceBoundFilter(namespace, id);
    const plain = { noLocal: false, retainAsPublished: false, retainHandling: 2 } as const;
    this.subscriptions = { requests: [{ filter, qos: 1, ...plain }], since: () => this.since() };
  }

  get key(): string {
    return `${this.principal.namespace}/${this.principal.id}`;
  }

  started(): void {
    const { namespace, id: device } = this.principal;
    const held = { namespace, device, connection: randomUUID(), connectedAt: this.client.parts.now() };
    this.letGo = this.parts.remote.hold(held, (request) => this.asked(request, held));
  }

  close(): void {
    this.letGo?.();
    this.methods.end();
    this.onClose(this);
  }

  offers(filter: string): boolean {
    return isHubFilter(filter);
  }

  publish(packet: InboundPublish): Outcome | undefined {
    const { topic } = packet;
    if (topic === this.telemetry || topic.startsWith(`${this.telemetry}/`)) {
      const telemetry = readTelemetry(topic.slice(this.telemetry.length + 1), packet.payload);
      return this.parts.publishing.publishToStream(this.principal, packet, telemetry);
    }
    if (!isHubTopic(topic)) return undefined;
    const request = readHubRequest(topic);
    if (request === undefined) return refused("topic-name-invalid", "nothing is asked for by this topic");
    return this.request(request, packet);
  }

  /** From when on there can be messages to the device. Raises BadPacket: it cannot be found out now. */
  private async since(): Promise<number> {
    const { namespace, id } = this.principal;
    try {
      const known = await this.parts.registered.get(deviceKey(namespace, id));
      return known === undefined ? this.client.parts.now() : known.registeredAt - CLOCKS_MS;
    } catch (error) {
      if (!(error instanceof RpcError || error instanceof LoadsExceeded)) throw error;
      throw new BadPacket(Reason.serverUnavailable, "since when it is registered cannot be found out now");
    }
  }

  /** Something else is wanted of the device now. */
  push({ version, body }: DesiredPush): void {
    if (this.send(desiredTopic(version), Buffer.from(body))) this.twin.noteTold(version);
  }

  private request(request: HubRequest, { payload }: InboundPublish): Outcome {
    const { id } = request;
    // Copies: what came in a packet is overwritten by the next.
    const bytes = Buffer.from(payload);
    switch (request.kind) {
      case "method-answer":
        this.methods.answered(id, { status: request.status, payload: bytes });
        return DONE;
      case "get-twin":
        return this.inTurn(id, () => this.twin.get());
      case "report":
        return this.inTurn(id, () => this.twin.report(bytes, request.version));
    }
  }

  /** Without an answer, what was asked is not acknowledged either: the device asks again on its next connection. */
  private inTurn(id: string, ask: () => Promise<TwinAnswer>): Promise<PublishOutcome> {
    const outcome = this.turn.then(async (): Promise<PublishOutcome> => {
      try {
        const { status, version, body } = await ask();
        this.send(twinAnswerTopic(status, id, version), Buffer.from(body));
        return DONE;
      } catch (error) {
        if (error instanceof RpcError || error instanceof LoadsExceeded) return RETRY;
        throw error;
      }
    });
    this.turn = outcome.catch(() => undefined);
    return outcome;
  }

  private async asked(
    { case: kind, value }: remote.RemoteRequest["request"],
    { connection, connectedAt }: { connection: string; connectedAt: number },
  ) {
    switch (kind) {
      case "callMethod":
        return this.called(value);
      case "getStatus":
        return { status: { connection, connectedAt: BigInt(connectedAt) } };
      case "replaced":
        return undefined;
      default:
        return { refused: "this device takes method calls only" };
    }
  }

  private async called({ name, payload, timeoutMs }: remote.CallMethod) {
    try {
      return { method: await this.methods.call(name, payload, timeoutMs) };
    } catch (error) {
      if (!(error instanceof MethodFailed)) throw error;
      return { refused: error.message, unanswered: error.unanswered };
    }
  }

  /** With QoS 0: devices acknowledge none of these. Whoever does not read is let go, and asks again. */
  private send(topic: string, payload: Uint8Array): boolean {
    const { client } = this;
    if (client.phase !== "open") return false;
    if (client.output.backlog > 2 * limits.mqttSocketBytes) {
      client.end(Reason.quotaExceeded, "the device does not read what it is sent");
      return false;
    }
    const message = { position: 0, topic, payload, publication: NOTHING_SAID };
    const { head, total } = encodePublishHead(message, {
      ...{ version: client.version, dup: false, qos: 0, retain: false, packetId: 0, subscriptionIds: [] },
      ...{ expiryS: undefined, topicAlias: 0, aliasOnly: false },
    });
    if (total > client.maximum) return false;
    client.output.add(head);
    if (payload.length > 0) client.output.add(Buffer.from(payload));
    client.parts.metrics.sent(PacketType.publish);
    return true;
  }
}
