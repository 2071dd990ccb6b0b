import { context, type Link, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from "@opentelemetry/api";
import type { DecodedCommit } from "./intake.js";

/** Commits of one pull that its span links to; the rest goes unlinked. */
const MAX_LINKS = 32;

const tracer = trace.getTracer("fieldlog.read-model");

/**
 * Applies a pull; where commits in it are traced, under a span that continues the first one's trace and is
 * linked to the others', since one transaction serves many commits.
 */
export async function applyTrace<T>(
  model: string,
  pull: readonly DecodedCommit<T>[],
  apply: () => Promise<void>,
): Promise<void> {
  const [first, ...others] = pull.flatMap(({ commit }) => commit.traceParent ?? []);
  if (first === undefined) return await apply();
  const parent = extract(first);
  const links = others.slice(0, MAX_LINKS).flatMap((other): Link[] => {
    const linked = trace.getSpanContext(extract(other));
    return linked ? [{ context: linked }] : [];
  });
  const attributes = {
    "fieldlog.read_model": model,
    "fieldlog.sequence": pull.at(-1)?.commit.sequence ?? 0,
    "fieldlog.commits": pull.length,
  };
  const span = tracer.startSpan("apply", { links, attributes }, parent);
  try {
    await context.with(trace.setSpan(parent, span), apply);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
    throw error;
  } finally {
    span.end();
  }
}

function extract(traceParent: string) {
  return propagation.extract(ROOT_CONTEXT, { traceparent: traceParent });
}
