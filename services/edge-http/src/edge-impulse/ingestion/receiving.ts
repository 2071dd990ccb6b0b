import type { IncomingHttpHeaders } from "node:http";
import type { Caller } from "../studio/projects.js";
import type { Ingestion } from "./ingestion.js";
import type { Room } from "./room.js";

/** An upload whose sender may upload. */
export interface Receiving {
  readonly ingestion: Ingestion;
  readonly room: Room;
  readonly caller: Caller;
  /** Of the path. */
  readonly category: string;
  readonly headers: IncomingHttpHeaders;
  /** What is sent; to be read once. Raises CutOff, Problem 408, 410. */
  readonly body: () => AsyncIterable<Uint8Array>;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

export function isMultipart({ "content-type": type = "" }: IncomingHttpHeaders): boolean {
  return /^multipart\/form-data\s*;/i.test(type);
}
