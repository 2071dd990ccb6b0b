import type { IncomingMessage } from "node:http";

/**
 * Reads a request's body, whatever its content type. `done` gets it, or undefined as soon as it is known
 * to be larger than `limit` bytes; it is not called if the sender goes away.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  done: (body: Buffer | undefined) => void,
): void {
  const announced = request.headers["content-length"];
  if (announced !== undefined && Number(announced) > limit) {
    done(undefined);
    return;
  }
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let length = 0;
  const take = (chunk: Buffer) => {
    length += chunk.length;
    if (length > limit) {
      request.off("data", take);
      request.off("end", end);
      request.pause();
      done(undefined);
    } else if (first === undefined) first = chunk;
    else if (more === undefined) more = [first, chunk];
    else more.push(chunk);
  };
  const end = () => done(more === undefined ? (first ?? EMPTY) : Buffer.concat(more, length));
  request.on("data", take);
  request.on("end", end);
}

const EMPTY = Buffer.alloc(0);
