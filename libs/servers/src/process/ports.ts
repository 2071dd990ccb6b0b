import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** A port that somebody else listens on. */
export class PortTaken extends Error {
  constructor(
    readonly server: string,
    readonly port: number,
  ) {
    super(`${server} cannot listen on 127.0.0.1:${port}: another program already does`);
    this.name = "PortTaken";
  }
}

/**
 * Below what systems give to outgoing connections (from 32,768 on Linux, from 49,152 elsewhere): one of those could
 * take a port before the server that it was chosen for listens on it.
 */
const FIRST = 20_000;
const LAST = 32_767;
const ATTEMPTS = 64;
/** Those given by this process: two servers may be given theirs before either listens. */
const given = new Set<number>();

/**
 * A port on 127.0.0.1 that nobody listens on at this moment, each time another; `preferred` where that is free.
 * Another program may still take it before its user does: starting a server there can fail.
 */
export async function freePort(preferred = 0): Promise<number> {
  if (preferred !== 0 && (await isFree(preferred))) return preferred;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST, LAST + 1);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  return (await tryPort(0)) ?? Promise.reject(new Error("no free port"));
}

/** Whether a server could listen on this port now; `host`: the address that it would listen on. */
export async function isFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  return (await tryPort(port, host)) !== undefined;
}

function tryPort(port: number, host = "127.0.0.1"): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" || error.code === "EACCES" ? resolve(undefined) : reject(error),
    );
    probe.listen(port, host, () => {
      const address = probe.address();
      const chosen = typeof address === "object" && address ? address.port : port;
      probe.close(() => resolve(chosen));
    });
  });
}
