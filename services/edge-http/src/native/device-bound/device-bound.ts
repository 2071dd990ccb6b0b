import { randomUUID } from "node:crypto";
import {
  deviceKey,
  encodeSignal,
  type Known,
  type KnownNamespace,
  type OwnWrites,
} from "@fieldlog/admission";
import { deviceBoundTopic, limits, type Position, SIGNALS, sequenceOf } from "@fieldlog/contracts";
import { type EventLog, SignalTooLarge } from "@fieldlog/event-log";
import { type RemoteDevices, RemoteUnavailable } from "@fieldlog/remote";
import { isDeeper } from "../../http/json-text.js";
import { disabled, Problem } from "../problem.js";

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
  readonly namespace: KnownNamespace;
  readonly device: string;
}

export interface NewMessage {
  readonly payload: Uint8Array;
  /** In their order; they come to the device with the topic. */
  readonly properties?: readonly (readonly [name: string, value: string])[];
  /** `key:<id>` of whoever sends it. */
  readonly by: string;
}

export interface MethodResult {
  readonly status: number;
  /** As JSON. */
  readonly payload: unknown;
}

/** The edge answers for a device that does not; it is given that much longer. */
const EDGE_MS = 2_000;
/** Those that begin with ! are the platform's to call: by them it opens tunnels, which takes another permission. */
const METHOD = /^[A-Za-z0-9_.-][A-Za-z0-9!_.-]{0,99}$/;

/** What is sent to provisioned devices: messages, which wait for the device in the log, and calls, which do not. */
export class DeviceBound {
  constructor(private readonly parts: DeviceBoundParts) {}

  /** Raises Problem 400, 404, 409 (a device that takes none), 413, 423; LogUnavailable, QueueFull. */
  async send(
    to: Bound,
    { payload, properties = [], by }: NewMessage,
  ): Promise<{ id: string; position: Position }> {
    await this.check(to);
    const id = randomUUID();
    const now = this.parts.now();
    const bag = [["$.mid", id] as const, ...properties].map((pair) => pair.map(encodeURIComponent).join("="));
    const topic = `${deviceBoundTopic(to.namespace.id, to.device)}/${bag.join("&")}`;
    if (topic.length > limits.mqttTopicBytes) throw new Problem(400, "The properties are too long.");
    const signal = encodeSignal({
      ...{ device: by, identity: id, digest: undefined, location: undefined, traceParent: "" },
      ...{ receivedAt: now, occurredAt: now, sentAt: undefined },
      publication: {
        ...{ topic, qos: 1, retain: false, clientId: "", redelivered: false, wrapped: false },
        properties: undefined,
      },
      body: { case: "message", value: payload },
    });
    const position = await this.parts.log.signals.append(to.namespace.id, signal).catch((error: unknown) => {
      if (error instanceof SignalTooLarge) throw new Problem(413, "The message is too large.");
      throw error;
    });
    this.parts.ownWrites.note(to.namespace.id, SIGNALS, sequenceOf(position));
    return { id, position };
  }

  /**
   * @param payload JSON; empty: null
   * @throws Problem 400, 404 (also of a device that is not connected), 409 (it takes none, or none more at once), 423, 502
   *   (its answer is not JSON), 503, 504 (it did not answer in time)
   */
  async call(to: Bound, name: string, payload: Uint8Array, timeoutMs: number): Promise<MethodResult> {
    await this.check(to);
    if (!METHOD.test(name))
      throw new Problem(400, "The method: 1 to 100 of A-Z, a-z, 0-9, !, _, . and -, and no ! first.");
    const value = { name, payload: payload.length === 0 ? Buffer.from("null") : payload, timeoutMs };
    if (parsed(value.payload) === undefined) throw new Problem(400, "The body is not JSON.");
    const asked = { case: "callMethod", value } as const;
    const reply = await this.parts.remote
      .ask(to.namespace.id, to.device, asked, timeoutMs + EDGE_MS)
      .catch((error: unknown) => {
        if (error instanceof RemoteUnavailable) {
          throw new Problem(503, "The devices' connections cannot be reached.", { retryAfterS: 1 });
        }
        throw error;
      });
    if (reply === undefined) throw new Problem(404, "The device is not connected.");
    if (reply.unanswered) throw new Problem(504, "The device was asked, and did not answer.");
    if (reply.refused !== "") throw new Problem(409, `It cannot be done: ${reply.refused}.`);
    if (reply.method === undefined) throw new Problem(409, "The device has no methods.");
    const { status, payload: answer } = reply.method;
    const json = answer.length === 0 ? null : parsed(answer);
    if (json === undefined || isDeeper(json, limits.eventDataDepth)) {
      throw new Problem(502, "What the device answered is not JSON, or nested too deeply.");
    }
    return { status, payload: json };
  }

  private async check({ namespace, device }: Bound): Promise<void> {
    const known = await this.parts.known.registered.get(deviceKey(namespace.id, device));
    if (known === undefined) throw new Problem(404, "There is no such device.");
    if (known.dialect !== "spotflow") throw new Problem(409, "The device takes no such messages.");
    if (namespace.disabled) throw disabled();
  }
}

/** Undefined: it is no JSON. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}
