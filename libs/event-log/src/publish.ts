import { setTimeout as delay } from "node:timers/promises";
import { limits } from "@fieldlog/contracts";
import { JetStreamApiError, type JetStreamClient, type StreamExpectations } from "@nats-io/jetstream";
import { headers, nuid } from "@nats-io/transport-node";
import { LogUnavailable, unavailable } from "./errors.js";

export interface Publication {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly stream: string;
  readonly expect?: Partial<StreamExpectations>;
  readonly traceParent?: string | undefined;
}

/** Milliseconds for one attempt, and between two. */
const ATTEMPT_MS = 2_000;
const PAUSE_MS = 100;

/**
 * Publishes one message and waits until the server has stored it. A lost acknowledgement is asked for
 * again under the same id (`Nats-Msg-Id`), so that nothing is stored twice.
 *
 * @param timeoutMs for all attempts together
 * @returns the message's sequence in its stream
 * @throws LogUnavailable if it is not known to be stored; JetStreamApiError as the server's refusal
 */
export async function publish(
  js: JetStreamClient,
  publication: Publication,
  timeoutMs: number = limits.appendTimeoutMs,
): Promise<number> {
  const { subject, data, stream, expect, traceParent } = publication;
  const msgID = nuid.next();
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const left = deadline - Date.now();
    try {
      const ack = await js.publish(subject, data, {
        msgID,
        expect: { ...expect, streamName: stream },
        timeout: Math.max(1, Math.min(ATTEMPT_MS, left)),
        ...(traceParent === undefined ? {} : { headers: traceHeaders(traceParent) }),
      });
      return ack.seq;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code !== IN_PROCESS) throw refusal(error);
      if (deadline - Date.now() <= PAUSE_MS) {
        throw unavailable(error);
      }
      await delay(PAUSE_MS);
    }
  }
}

function traceHeaders(traceParent: string) {
  const values = headers();
  values.set("traceparent", traceParent);
  return values;
}

// https://github.com/nats-io/nats-server/blob/main/server/errors.json
const RESOURCES = new Set([
  10023, // insufficient resources
  10047, // insufficient storage resources available
  10077, // message exceeds maximum for stream: maximum bytes or messages exceeded
]);

/** Of a cluster: the attempt before, under the same id, is not decided yet. */
const IN_PROCESS = 10_158;

/** A full or struggling store is a reason to try later; any other refusal is the caller's to understand. */
function refusal(error: JetStreamApiError): Error {
  if (RESOURCES.has(error.code) || error.status === 503) {
    return new LogUnavailable(error.message, 10, { cause: error });
  }
  return error;
}
