import type { EventOrigin, EventOutcome, Publisher } from "@fieldlog/admission";
import { positionOf, sequenceOf } from "@fieldlog/contracts";
import { InvalidEvent, identityOf, type PublishedEvent } from "@fieldlog/events";
import { currentTraceParent } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { traced } from "../../http/traced.js";
import { bytesOf, takesBytes } from "../bytes.js";
import { readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";
import { disabled, Problem } from "../problem.js";
import type { SignedRequest } from "../signed/signed-request.js";
import { type Published, readPublished } from "./read-published.js";

/** The body is read by its content type. */
const { body: _, ...withoutBody } = operations.publishEvents;

type Parts = Pick<NativeParts, "access" | "publishing" | "signing" | "logger">;

/**
 * POST …/events. A plain route and none of Nest's, because of what it takes: the bytes of the body, whatever
 * their content type.
 */
export async function publishRoutes(app: FastifyInstance, parts: Parts): Promise<void> {
  takesBytes(app, parts.logger);
  app.post("/v1/namespaces/:ns/events", (request, reply) =>
    traced(request, "native publishEvents", () => publish(parts, request, reply)),
  );
}

async function publish(parts: Parts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const body = bytesOf(request);
  const signed = await parts.signing.verify(request, body, "events");
  const publisher = signed === undefined ? await keyOf(parts, request) : deviceOf(signed);
  readInput(withoutBody, request);
  const events = identified(read(request, body), signed);
  const answer = await parts.signing.once(
    signed,
    async (position) => {
      const isTold = signed !== undefined && namesAll(events, signed);
      if (isTold && position !== undefined) return single(signed.id, position);
      if (signed !== undefined && !isTold) await parts.signing.note(signed);
      return answerOf(parts, publisher, events, originOf(signed));
    },
    ({ isFinal }) => isFinal,
  );
  if (answer.position > 0) void reply.header("fieldlog-position", String(answer.position));
  return reply.code(answer.status).send(answer.body);
}

async function keyOf({ access }: Parts, request: FastifyRequest): Promise<Publisher> {
  const { key, namespace } = await access.namespace(request, "write");
  return { namespace: namespace.id, kind: "key", id: key.id, budget: key.budget };
}

function deviceOf({ namespace, device, budget }: SignedRequest): Publisher {
  return { namespace, kind: "device", id: device, budget };
}

function originOf(signed: SignedRequest | undefined): EventOrigin {
  const traceParent = currentTraceParent() ?? "";
  return signed === undefined
    ? { traceParent }
    : { traceParent, digest: signed.digest, sentAt: signed.sentAt };
}

/** Signed, each event has an identity: its own, else the message's, so that a resend is told by it. */
function identified(events: Published, signed: SignedRequest | undefined): Published {
  if (signed === undefined) return events;
  const named = (event: PublishedEvent, id: string) => ({ ...event, identity: event.identity || id });
  if (!isSeveral(events)) return named(events, signed.id);
  return events.map((event, i) =>
    event instanceof InvalidEvent ? event : named(event, `${signed.id}/${i}`),
  );
}

/** Whether the message's id is the identity of what it holds. */
function namesAll(events: Published, { id }: SignedRequest): boolean {
  return !isSeveral(events) && identityOf(events.identity, events.source) === id;
}

function isSeveral(events: Published): events is Exclude<Published, PublishedEvent> {
  return "length" in events;
}

interface Answer {
  readonly status: 200 | 201;
  /** 0: nothing was stored. */
  readonly position: number;
  readonly body: unknown;
  /** Not, if some of it may be asked again. */
  readonly isFinal: boolean;
}

/** Raises Problem. */
async function answerOf(
  { publishing }: Parts,
  publisher: Publisher,
  events: Published,
  origin: EventOrigin,
): Promise<Answer> {
  if (!isSeveral(events)) {
    const { position } = storedOf(await publishing.publish(publisher, events, origin));
    return single(idOf(events, position), position);
  }
  const results = await Promise.all(
    events.map(async (event) =>
      event instanceof InvalidEvent
        ? refused(event)
        : resultOf(event, await publishing.publish(publisher, event, origin)),
    ),
  );
  if (results.every(({ status }) => status === 503)) throw unavailable(1);
  if (results.every(({ status }) => status === 423)) throw disabled();
  const newest = Math.max(...results.map((each) => ("position" in each ? each.position : 0)));
  const position = newest === 0 ? 0 : positionOf(sequenceOf(newest), 0);
  const isFinal = results.every(({ status }) => status !== 503 && status !== 429);
  return { status: 200, position, body: { results }, isFinal };
}

function single(id: string, position: number): Answer {
  return { status: 201, position, body: { position, id }, isFinal: true };
}

function read(request: FastifyRequest, body: Uint8Array): Published {
  try {
    return readPublished(request.headers, body);
  } catch (error) {
    if (error instanceof InvalidEvent) throw invalid(error);
    throw error;
  }
}

/** Raises Problem for what was not stored. */
function storedOf(outcome: EventOutcome): EventOutcome & { kind: "stored" } {
  switch (outcome.kind) {
    case "stored":
      return outcome;
    case "unknown-device":
      throw invalid(new InvalidEvent("device", outcome.detail));
    case "disabled":
      throw disabled();
    case "too-large":
      throw new Problem(413, `The event is too large: ${outcome.detail}.`);
    case "exhausted":
      throw new Problem(429, "Too many requests with this key.", { retryAfterS: outcome.retryAfterS });
    case "unavailable":
      throw unavailable(outcome.retryAfterS);
  }
}

type Result =
  | { readonly status: 201; readonly position: number; readonly id: string }
  | { readonly status: number; readonly detail: string; readonly field?: string };

function resultOf(event: PublishedEvent, outcome: EventOutcome): Result {
  if (outcome.kind === "stored") {
    return { status: 201, position: outcome.position, id: idOf(event, outcome.position) };
  }
  switch (outcome.kind) {
    case "unknown-device":
      return { status: 400, detail: outcome.detail, field: "device" };
    case "disabled":
      return { status: 423, detail: outcome.detail };
    case "too-large":
      return { status: 413, detail: outcome.detail };
    case "exhausted":
      return { status: 429, detail: "too many requests with this key" };
    case "unavailable":
      return { status: 503, detail: "the log did not take it" };
  }
}

function refused({ field, detail }: InvalidEvent): Result {
  return { status: 400, detail, ...(field === "" ? {} : { field }) };
}

function invalid(error: InvalidEvent): Problem {
  const { field, detail, message } = error;
  return new Problem(400, `The event is not right: ${message}.`, {
    errors: [{ field: field || "body", detail }],
  });
}

function unavailable(retryAfterS: number): Problem {
  return new Problem(503, "The log cannot take this just now.", { retryAfterS });
}

/** As reads will tell it. */
function idOf({ identity }: PublishedEvent, position: number): string {
  return identity === "" ? String(position) : identity;
}
