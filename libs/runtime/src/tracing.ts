import {
  type Attributes,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Settings } from "./settings.js";

/** Absent while nothing is traced, which makes every function here return at once. */
let tracer: Tracer | undefined;

export interface Tracing {
  /** Sends what is still here (at most 5 s), then traces no more. */
  stop(): Promise<void>;
}

/**
 * Turns tracing on for this process if there is a collector (OTEL_EXPORTER_OTLP_ENDPOINT), or if a
 * test brings an exporter, which then gets each span at its end.
 */
export async function startTracing(
  service: string,
  settings: Pick<Settings, "otlpEndpoint" | "traceRatio">,
  exporter?: SpanExporter,
): Promise<Tracing> {
  if (!settings.otlpEndpoint && !exporter) return { stop: async () => {} };
  // Loaded only here: it takes 20 MiB, which a process that is not traced need not hold.
  const { tracingSdk } = await import("./tracing-sdk.js");
  const sdk = tracingSdk(service, settings, exporter);
  tracer = trace.getTracer("fieldlog");
  return {
    async stop() {
      tracer = undefined;
      await sdk.stop();
    },
  };
}

/** For hot paths, which then do not even describe their spans. */
export function isTracing(): boolean {
  return tracer !== undefined;
}

/** The W3C traceparent of the work under way; absent while nothing is traced. */
export function currentTraceParent(): string | undefined {
  if (!tracer) return undefined;
  const span = trace.getSpanContext(context.active());
  return span && formatTraceParent(span);
}

/** Runs `fn` in a span that continues `traceParent`, or the work under way where that is absent. */
export function withTraceParent<T>(
  traceParent: string | undefined,
  spanName: string,
  attributes: Attributes,
  fn: () => Promise<T>,
): Promise<T> {
  if (!tracer) return fn();
  const remote = traceParent ? parseTraceParent(traceParent) : undefined;
  const parent = remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : context.active();
  const span = tracer.startSpan(spanName, { attributes }, parent);
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await fn();
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** A span without duration: something happened in the trace. Nothing for what is no traceparent. */
export function noteSpan(traceParent: string, spanName: string, attributes: Attributes): void {
  const remote = tracer && parseTraceParent(traceParent);
  if (!tracer || !remote) return;
  tracer.startSpan(spanName, { attributes }, trace.setSpanContext(ROOT_CONTEXT, remote)).end();
}

/** For log entries. */
export function currentTraceIds(): { traceId?: string; spanId?: string } {
  if (!tracer) return {};
  const span = trace.getSpanContext(context.active());
  return span ? { traceId: span.traceId, spanId: span.spanId } : {};
}

/** W3C Trace Context section 3.2: version 00, and what later versions keep of it. */
export function parseTraceParent(text: string): SpanContext | undefined {
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(text);
  if (!match || (text.startsWith("00") && text.length !== 55)) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = match;
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(span) ? span : undefined;
}

export function formatTraceParent(span: SpanContext): string {
  return `00-${span.traceId}-${span.spanId}-${(span.traceFlags & 1) === 1 ? "01" : "00"}`;
}
