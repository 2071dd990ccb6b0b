import type { Position } from "@fieldlog/contracts";
import type { LoggedEvent } from "@fieldlog/events";

// Server-sent events as the HTML standard has them (9.2.6): lines of UTF-8, a block ends with an empty line.

const EVENT = Buffer.from("event: event\ndata: ");
const END = Buffer.from("\n\n");
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/** Milliseconds after which a client that lost its stream comes back. */
const RETRY_MS = 1_000;

const made = new WeakMap<LoggedEvent, Buffer>();

/** An event as a block whose id is its position; made once for all streams. */
export function eventFrame(event: LoggedEvent): Buffer {
  let frame = made.get(event);
  if (frame === undefined) {
    frame = Buffer.concat([Buffer.from(`id: ${event.position}\n`), EVENT, onOneLine(event.json()), END]);
    made.set(event, frame);
  }
  return frame;
}

/** The stream's first block: where it begins, and when to come back. */
export function firstFrame(position: Position): string {
  return `retry: ${RETRY_MS}\n${positionFrame(position)}`;
}

/** Moves the id with which the client comes back, and is no event to it. */
export function positionFrame(position: Position): string {
  return `id: ${position}\n\n`;
}

/** Shows that the stream is alive; a comment to the client. */
export const BEAT = ":\n\n";

/** A line break in JSON stands between tokens, never within one, so a space does as well. */
function onOneLine(json: Buffer): Buffer {
  if (!json.includes(LINE_FEED) && !json.includes(CARRIAGE_RETURN)) return json;
  const line = Buffer.from(json);
  for (let i = 0; i < line.length; i++) {
    if (line[i] === LINE_FEED || line[i] === CARRIAGE_RETURN) line[i] = SPACE;
  }
  return line;
}
