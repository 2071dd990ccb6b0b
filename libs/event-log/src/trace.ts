import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";

/** Traces that a span over many requests links to; the rest goes unlinked. */
const MAX_LINKS = 32;

const tracer = trace.getTracer("fieldlog.event-log");

/**
 * Runs what serves many requests at once, such as a commit or the applying of a pull, under one span: a
 * child of the first traced request's and linked to the others'. Where no request is traced there is no span.
 *
 * @param traceParents W3C traceparents of the traced requests among those that it serves
 * @param work gets the traceparent to hand on; undefined where nothing is traced
 */
export async function spanOverMany<T>(
  name: string,
  traceParents: readonly string[],
  attributes: Attributes,
  work: (traceParent: string | undefined) => Promise<T>,
): Promise<T> {
  const [first, ...others] = traceParents;
  if (first === undefined) return work(undefined);
  const parent = extract(first);
  const links = others.slice(0, MAX_LINKS).flatMap((other) => {
    const linked = trace.getSpanContext(extract(other));
    return linked ? [{ context: linked }] : [];
  });
  const span = tracer.startSpan(name, { links, attributes }, parent);
  const within = trace.setSpan(parent, span);
  try {
    return await context.with(within, () => work(inject(within) ?? first));
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
    throw error;
  } finally {
    span.end();
  }
}

function extract(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

function inject(from: Context): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(from, carrier);
  return carrier.traceparent;
}
