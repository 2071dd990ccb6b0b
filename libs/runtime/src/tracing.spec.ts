import { InMemorySpanExporter } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "./logger.js";
import {
  currentTraceIds,
  currentTraceParent,
  formatTraceParent,
  noteSpan,
  parseTraceParent,
  startTracing,
  type Tracing,
  withTraceParent,
} from "./tracing.js";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = `00-${traceId}-00f067aa0ba902b7-01`;

describe("a traceparent", () => {
  it("is read and written as W3C Trace Context says", () => {
    const span = parseTraceParent(parent);
    expect(span).toMatchObject({ traceId, spanId: "00f067aa0ba902b7", traceFlags: 1 });
    expect(span && formatTraceParent(span)).toBe(parent);
    expect(parseTraceParent(parent.replace(/^00/, "01").concat("-more"))).toMatchObject({ traceId });
  });

  it.each([
    "",
    parent.toUpperCase(),
    parent.slice(1),
    `${parent}-more`,
    parent.replace(/^00/, "ff"),
    `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
  ])("that is wrong is ignored: %s", (text) => expect(parseTraceParent(text)).toBeUndefined());

  it("is never a reason to fail", () => {
    fc.assert(fc.property(fc.string(), (text) => parseTraceParent(text) === undefined));
  });
});

describe("without a collector", () => {
  it("work runs as it is, and nothing is traced", async () => {
    const tracing = await startTracing("test", { otlpEndpoint: undefined, traceRatio: 1 });
    const seen = await withTraceParent(parent, "work", {}, async () => currentTraceParent());
    expect(seen).toBeUndefined();
    expect(currentTraceIds()).toEqual({});
    await tracing.stop();
  });
});

describe("with a collector", () => {
  let exporter: InMemorySpanExporter;
  let tracing: Tracing;
  beforeEach(async () => {
    exporter = new InMemorySpanExporter();
    tracing = await startTracing("test", { otlpEndpoint: undefined, traceRatio: 1 }, exporter);
  });
  afterEach(() => tracing.stop());

  it("a span continues the trace that came in, and passes on to the next", async () => {
    await withTraceParent(parent, "outer", { device: "7" }, async () => {
      expect(currentTraceIds().traceId).toBe(traceId);
      await Promise.resolve();
      await withTraceParent(currentTraceParent(), "inner", {}, async () => {});
      await withTraceParent(undefined, "beside", {}, async () => {});
    });
    const [inner, beside, outer] = exporter.getFinishedSpans();
    expect(outer).toMatchObject({ name: "outer", attributes: { device: "7" } });
    expect(outer?.parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
    for (const span of [inner, beside]) {
      expect(span?.spanContext().traceId).toBe(traceId);
      expect(span?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    }
  });

  it("something that happened in a trace is noted; what is no traceparent is not", () => {
    noteSpan(parent, "deliver", { way: "sse" });
    noteSpan("", "deliver", {});
    const [noted, ...others] = exporter.getFinishedSpans();
    expect(others).toEqual([]);
    expect(noted).toMatchObject({ name: "deliver", attributes: { way: "sse" } });
    expect(noted?.spanContext().traceId).toBe(traceId);
    expect(noted?.parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
  });

  it("what is logged meanwhile names the trace, as namespace and device are named", async () => {
    const lines: string[] = [];
    const logger = createLogger("edge", "info", { destination: { write: (line) => void lines.push(line) } });
    await withTraceParent(parent, "request", {}, async () => {
      logger.warn({ namespace: "default", device: "7" }, "odd");
    });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      ...{ service: "edge", level: "warn", msg: "odd", namespace: "default", device: "7" },
      ...{ traceId, spanId: exporter.getFinishedSpans()[0]?.spanContext().spanId },
    });
  });

  it("a failure is noted in its span and thrown on", async () => {
    const work = withTraceParent(undefined, "work", {}, () => Promise.reject(new Error("broke")));
    await expect(work).rejects.toThrow("broke");
    expect(exporter.getFinishedSpans()[0]).toMatchObject({
      status: { code: 2 },
      events: [{ name: "exception" }],
    });
  });
});
