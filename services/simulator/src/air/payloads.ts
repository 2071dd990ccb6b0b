import type { Weather } from "./normals.js";

/**
 * Which generation of tenta's clients a sensor belongs to (reference A1.2): the older wraps its lists in an
 * object, sends heartbeats and writes subject and details; the newer sends bare lists, acknowledgments
 * and messages. Both are in use.
 */
export type Generation = "older" | "newer";

/** A message to be published. */
export interface Message {
  readonly topic: string;
  readonly payload: string;
}

/** Seconds since 1970 UTC. */
type Seconds = number;

/** What a sensor measured. `revision`: the configuration that it measured under. */
export function measurement(
  generation: Generation,
  sensor: string,
  element: { timestamp: Seconds; value: Weather; revision: number | undefined },
): Message {
  return message(generation, "measurements", "measurements", sensor, element);
}

/** Whether a sensor could use a configuration. */
export function acknowledgment(
  generation: Generation,
  sensor: string,
  element: { timestamp: Seconds; revision: number; success: boolean },
): Message {
  return generation === "older"
    ? message(generation, "heartbeats", "heartbeats", sensor, element)
    : message(generation, "acknowledgments", "", sensor, element);
}

/** What a sensor has to say of itself: one sentence, and possibly more about it. */
export function logEntry(
  generation: Generation,
  sensor: string,
  entry: {
    timestamp: Seconds;
    severity: "info" | "warning" | "error";
    revision: number | undefined;
    subject: string;
    details?: string;
  },
): Message {
  const { subject, details, ...rest } = entry;
  if (generation === "older") return message(generation, "log-messages", "log_messages", sensor, entry);
  const element = { ...rest, message: details ? `${subject}: ${details}` : subject };
  return message(generation, "logs", "", sensor, element);
}

function message(
  generation: Generation,
  topic: string,
  wrapper: string,
  sensor: string,
  element: object,
): Message {
  const list = [element];
  const payload = JSON.stringify(generation === "older" ? { [wrapper]: list } : list);
  return { topic: `${topic}/${sensor}`, payload };
}

/** A configuration as the server sends it; undefined when it is none, which a sensor passes over. */
export function configuration(payload: Uint8Array): { revision: number; configuration: object } | undefined {
  try {
    const read = JSON.parse(Buffer.from(payload).toString("utf8")) as Record<string, unknown>;
    const { revision, configuration } = read;
    if (!Number.isInteger(revision) || typeof configuration !== "object" || configuration === null) return;
    return { revision: revision as number, configuration };
  } catch {
    return undefined;
  }
}

/** The setting of a configuration that the sensors know: replayed seconds between two measurements. Others are passed over. */
export const INTERVAL = "interval_s";
export const INTERVAL_S = { default: 600, least: 60, most: 86_400 } as const;

/** The interval that a configuration asks for; undefined when it makes no sense. */
export function intervalOf(configuration: object): number | undefined {
  const wanted = (configuration as Record<string, unknown>)[INTERVAL] ?? INTERVAL_S.default;
  const good = typeof wanted === "number" && wanted >= INTERVAL_S.least && wanted <= INTERVAL_S.most;
  return good ? wanted : undefined;
}
