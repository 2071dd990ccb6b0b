import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** An answer as it goes out. */
export interface PlainAnswer {
  readonly status: number;
  readonly contentType: string;
  /** A byte a character (latin1). */
  readonly body: string;
  /** More of them. */
  readonly headers?: Readonly<Record<string, string>>;
}

const LATE = Symbol("late");
type MarkedSocket = Socket & { [LATE]?: PlainAnswer | undefined };

/** Says what the sender on this socket is told if its request does not arrive in time; undefined: nothing more. */
export function awaitBody(socket: Socket, late: PlainAnswer | undefined): void {
  (socket as MarkedSocket)[LATE] = late;
}

export function lateAnswer(socket: Socket): PlainAnswer | undefined {
  return (socket as MarkedSocket)[LATE];
}

const PATIENT = Symbol("patient");
type PatientSocket = Socket & { [PATIENT]?: boolean };

/** The request on this socket may arrive for as long as whoever reads it lets it; until what is returned is called. */
export function takesItsTime(socket: Socket): () => void {
  (socket as PatientSocket)[PATIENT] = true;
  return () => {
    (socket as PatientSocket)[PATIENT] = false;
  };
}

export function mayTakeItsTime(socket: Socket): boolean {
  return (socket as PatientSocket)[PATIENT] === true;
}

/** Milliseconds that a sender may go on sending a body that nobody reads, so that it gets to see the answer. */
const LINGER_MS = 2_000;

/**
 * Ends the answer to a request whose body has not wholly arrived. Closing the connection at once would
 * reset it, and the sender would lose the answer; so what still comes is read and thrown away for a while.
 */
export function linger(response: ServerResponse, body: string): void {
  const request = response.req;
  response.write(body, "latin1");
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once("end", end);
  request.once("close", end);
  request.resume();
}
