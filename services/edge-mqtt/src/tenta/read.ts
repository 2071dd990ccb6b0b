import type { SignalBody } from "@fieldlog/admission";
import { readAcknowledgment } from "./acknowledgments.js";
import { readLogEntry } from "./log-entries.js";
import { readMeasurement } from "./measurements.js";
import { type List, Malformed, readAll, readList } from "./payload.js";
import type { TentaKind } from "./topics.js";

/** What a device tells under one of tenta's topics. */
export interface TentaMessage {
  readonly body: Extract<SignalBody, { case: "measurements" | "logEntries" | "acknowledgments" }>;
  /** The list was in an object, as older clients send it. */
  readonly wrapped: boolean;
}

/** tenta reference A1.2 and A1.3: one wrong element makes the whole message wrong. */
export function readTenta(
  kind: Exclude<TentaKind, "configurations">,
  payload: Uint8Array,
): TentaMessage | Malformed {
  switch (kind) {
    case "measurements":
      return message(readList(payload, "measurements"), "measurements", readMeasurement);
    case "log-entries":
      return message(readList(payload, "log_messages"), "logEntries", readLogEntry);
    case "acknowledgments":
      return message(readList(payload, "heartbeats"), "acknowledgments", readAcknowledgment);
  }
}

function message<Case extends TentaMessage["body"]["case"], T>(
  list: List | Malformed,
  name: Case,
  read: (element: unknown, wrapped: boolean) => T | Malformed,
): TentaMessage | Malformed {
  if (list instanceof Malformed) return list;
  const value = readAll(list, read);
  if (value instanceof Malformed) return value;
  return { body: { case: name, value } as unknown as TentaMessage["body"], wrapped: list.wrapped };
}
