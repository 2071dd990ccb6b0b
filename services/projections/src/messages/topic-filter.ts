import { Buffer } from "node:buffer";
import { limits } from "@fieldlog/contracts";

/** What a topic filter of MQTT asks for (MQTT 5.0, 4.7), in terms that Postgres can look for. */
export type TopicSearch =
  | { readonly kind: "all" }
  | { readonly kind: "exact"; readonly topic: string }
  | {
      readonly kind: "pattern";
      /** What every matching topic begins with. */
      readonly prefix: string;
      /** A regular expression of Postgres, for the whole topic. */
      readonly pattern: string;
    };

/** It is no topic filter. */
export class InvalidFilter extends Error {
  override readonly name = "InvalidFilter";
  constructor(readonly filter: string) {
    super("not a topic filter");
  }
}

/** @param filter empty: all topics */
export function topicSearch(filter: string): TopicSearch {
  if (filter === "") return { kind: "all" };
  if (filter.includes("\0") || Buffer.byteLength(filter) > limits.mqttTopicBytes) {
    throw new InvalidFilter(filter);
  }
  const levels = filter.split("/");
  for (const [i, level] of levels.entries()) {
    const wild = level.includes("+") || level.includes("#");
    const whole = level === "+" || (level === "#" && i === levels.length - 1);
    if (wild && !whole) throw new InvalidFilter(filter);
  }
  const first = levels.findIndex((level) => level === "+" || level === "#");
  if (first === -1) return { kind: "exact", topic: filter };
  const literal = levels.slice(0, first);
  // `a/#` matches `a` too, so the slash before a last `#` is not part of what every topic begins with.
  const atEnd = levels[first] === "#";
  const prefix = first === 0 ? "" : literal.join("/") + (atEnd ? "" : "/");
  return { kind: "pattern", prefix, pattern: patternOf(levels) };
}

function patternOf(levels: readonly string[]): string {
  // A wildcard at the beginning does not match topics that begin with `$` (4.7.2).
  let pattern = levels[0] === "+" || levels[0] === "#" ? "^(?!\\$)" : "^";
  for (const [i, level] of levels.entries()) {
    if (level === "#") {
      pattern += i === 0 ? ".*" : "(/.*)?";
    } else {
      if (i > 0) pattern += "/";
      pattern += level === "+" ? "[^/]*" : level.replace(/[^A-Za-z0-9_ -]/g, literally);
    }
  }
  return `${pattern}$`;
}

/** Outside of ASCII no character means anything but itself. */
function literally(char: string): string {
  return char < "\x80" ? `\\${char}` : char;
}
