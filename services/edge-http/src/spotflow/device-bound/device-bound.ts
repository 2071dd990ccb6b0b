import { randomUUID } from "node:crypto";
import { deviceKey, encodeSignal, type Known, type OwnWrites } from "@fieldlog/admission";
import { deviceBoundTopic, limits, SIGNALS, sequenceOf } from "@fieldlog/contracts";
import { type EventLog, SignalTooLarge } from "@fieldlog/event-log";
import { type RemoteDevices, RemoteUnavailable } from "@fieldlog/remote";
import { Refusal, refusals } from "../refusal.js";

export interface DeviceBoundParts {
  readonly log: Pick<EventLog, "signals">;
  readonly known: Pick<Known, "registered">;
  readonly ownWrites: Pick<OwnWrites, "note">;
  readonly remote: Pick<RemoteDevices, "ask">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Which device. */
export interface Bound {
  /** Id. */
  readonly namespace: string;
  readonly device: string;
}

/** The edge answers for a device that does not; it is given that much longer. */
const EDGE_MS = 2_000;

/** What is sent to devices: messages, which wait for the device in the log, and calls, which do not. */
export class DeviceBound {
  constructor(private readonly parts: DeviceBoundParts) {}

  /** Returns the message's id. Raises Refusal 404, 413; LogUnavailable, QueueFull. */
  async send({ namespace, device }: Bound, payload: Uint8Array, by: string): Promise<string> {
    await this.mustBe({ namespace, device });
    const id = randomUUID();
    const now = this.parts.now();
    const topic = `${deviceBoundTopic(namespace, device)}/%24.mid=${id}`;
    const signal = encodeSignal({
      ...{ device: by, identity: id, digest: undefined, location: undefined, traceParent: "" },
      ...{ receivedAt: now, occurredAt: now, sentAt: undefined },
      publication: {
        ...{ topic, qos: 1, retain: false, clientId: "", redelivered: false, wrapped: false },
        properties: undefined,
      },
      body: { case: "message", value: payload },
    });
    const position = await this.parts.log.signals.append(namespace, signal).catch((error: unknown) => {
      if (error instanceof SignalTooLarge) throw new Refusal(413, "The message is too large.");
      throw error;
    });
    this.parts.ownWrites.note(namespace, SIGNALS, sequenceOf(position));
    return id;
  }

  /** Raises Refusal 404; 409: it is not connected, or did not answer; 503. */
  async call(
    { namespace, device }: Bound,
    name: string,
    payload: Uint8Array,
  ): Promise<{ status: number; payload: Uint8Array }> {
    await this.mustBe({ namespace, device });
    const asked = { case: "callMethod", value: { name, payload } } as const;
    const timeoutMs = limits.methodMs + EDGE_MS;
    const reply = await this.parts.remote.ask(namespace, device, asked, timeoutMs).catch((error: unknown) => {
      if (error instanceof RemoteUnavailable) throw refusals.unavailable(1);
      throw error;
    });
    if (reply === undefined) throw new Refusal(409, "The device is not connected.");
    if (reply.refused !== "") throw new Refusal(409, `It cannot be done: ${reply.refused}.`);
    if (reply.method === undefined) throw new Refusal(409, "The device has no methods.");
    return reply.method;
  }

  private async mustBe({ namespace, device }: Bound): Promise<void> {
    const known = await this.parts.known.registered.get(deviceKey(namespace, device));
    if (known === undefined) throw new Refusal(404, "There is no such device.");
    if (known.dialect !== "spotflow") throw new Refusal(409, "The device takes no such messages.");
  }
}
