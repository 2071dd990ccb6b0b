import {
  context,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Batch } from "./group-commit.js";

/** Requests of one commit that its span links to; the rest of a large commit goes unlinked. */
const MAX_LINKS = 32;

const tracer = trace.getTracer("fieldlog.event-log");

/**
 * Runs the storing of a batch. Where requests in it are traced, under a span of its own: a child of the
 * first request's and linked to the others', since one commit serves many requests.
 *
 * @param store gets the traceparent that goes into the commit's header, if there is one
 */
export async function commitTrace(
  batch: Batch,
  store: (traceParent: string | undefined) => Promise<number>,
): Promise<number> {
  const [first, ...others] = batch.traceParents;
  if (first === undefined) return store(undefined);
  const parent = extract(first);
  const links = others.slice(0, MAX_LINKS).flatMap((other) => {
    const linked = trace.getSpanContext(extract(other));
    return linked ? [{ context: linked satisfies SpanContext }] : [];
  });
  const attributes = {
    "messaging.system": "nats",
    "messaging.batch.message_count": batch.count,
    "fieldlog.namespace": batch.namespace,
  };
  const span = tracer.startSpan("commit", { kind: SpanKind.PRODUCER, links, attributes }, parent);
  try {
    const carrier: { traceparent?: string } = {};
    propagation.inject(trace.setSpan(parent, span), carrier);
    const sequence = await store(carrier.traceparent ?? first);
    span.setAttribute("fieldlog.sequence", sequence);
    return sequence;
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
    throw error;
  } finally {
    span.end();
  }
}

function extract(traceParent: string) {
  const extracted = propagation.extract(ROOT_CONTEXT, { traceparent: traceParent });
  return trace.getSpanContext(extracted) ? extracted : context.active();
}
