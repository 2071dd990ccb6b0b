import type { LoggedEvent } from "@fieldlog/events";
import { counter, isTracing, noteSpan, type Registry } from "@fieldlog/runtime";

/** A plain number that those share who count. */
export interface Count {
  count: number;
}

/** The ways to a subscriber. */
export type Way = "sse" | "poll" | "websocket" | "webhook" | "mqtt";

/** Counts an event that was handed to a subscriber's socket, and tells the event's trace, if it is traced. */
export function noteDelivery(count: Count, way: Way, event: Pick<LoggedEvent, "signal">): void {
  count.count++;
  if (isTracing()) traceDelivery(way, event.signal);
}

/** A span of the trace that the signal belongs to, if it belongs to one. */
export function traceDelivery(
  way: Way,
  { traceParent, device }: { traceParent: string; device: string },
): void {
  noteSpan(traceParent, "deliver", { "fieldlog.way": way, "fieldlog.device": device });
}

/** Shows how much was delivered, by way. */
export function observeDeliveries(metrics: Registry, counts: Partial<Record<Way, Count>>): void {
  counter(metrics, {
    name: "fieldlog_deliveries_total",
    help: "Events and messages that were handed to subscribers, by way: sse, poll, websocket, webhook, mqtt.",
    labelNames: ["way"],
    collect() {
      for (const [way, { count }] of Object.entries(counts)) this.inc({ way }, count);
    },
  });
}
