import type { EventOutcome, Publisher } from "@fieldlog/admission";
import { limits, positionOf, sequenceOf } from "@fieldlog/contracts";
import { InvalidEvent, type PublishedEvent } from "@fieldlog/events";
import { currentTraceParent, withTraceParent } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";
import { answerProblem } from "../problem.filter.js";
import { Problem } from "../problem.js";
import { readPublished } from "./read-published.js";

/** The body is read by its content type. */
const { body: _, ...withoutBody } = operations.publishEvents;

type Parts = Pick<NativeParts, "access" | "publishing" | "logger">;

/**
 * POST …/events. A plain route and none of Nest's, because of what it takes: the bytes of the body, whatever
 * their content type.
 */
export async function publishRoutes(app: FastifyInstance, parts: Parts): Promise<void> {
  app.removeAllContentTypeParsers();
  const options = { parseAs: "buffer", bodyLimit: limits.bodyBytes } as const;
  app.addContentTypeParser("*", options, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => {
    const { statusCode = 500, message } = error as { statusCode?: number; message: string };
    const problem = statusCode < 500 ? new Problem(statusCode, message) : error;
    answerProblem(problem, request, reply, parts.logger);
  });
  app.post("/v1/namespaces/:ns/events", (request, reply) => {
    const given = request.headers["traceparent"];
    const traceParent = typeof given === "string" ? given : undefined;
    return withTraceParent(traceParent, "native publishEvents", {}, () => publish(parts, request, reply));
  });
}

async function publish(parts: Parts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { key, namespace } = await parts.access.namespace(request, "write");
  readInput(withoutBody, request);
  const publisher: Publisher = { namespace: namespace.id, kind: "key", id: key.id, budget: key.budget };
  const one = (event: PublishedEvent) =>
    parts.publishing.publish(publisher, event, { traceParent: currentTraceParent() ?? "" });
  const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  const events = read(request, body);
  if (!("length" in events)) {
    const stored = storedOf(await one(events));
    void reply.header("fieldlog-position", String(stored.position));
    return reply.code(201).send({ position: stored.position, id: idOf(events, stored.position) });
  }
  const results = await Promise.all(
    events.map(async (event) =>
      event instanceof InvalidEvent ? refused(event) : resultOf(event, await one(event)),
    ),
  );
  if (results.every(({ status }) => status === 503)) throw unavailable(1);
  const newest = Math.max(...results.map((each) => ("position" in each ? each.position : 0)));
  if (newest > 0) void reply.header("fieldlog-position", String(positionOf(sequenceOf(newest), 0)));
  return reply.code(200).send({ results });
}

function read(request: FastifyRequest, body: Uint8Array) {
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
