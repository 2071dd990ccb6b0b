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
/** Ports that a process takes at once. It listens on the first: as long as it lives, no other process gives out these. */
const BLOCK = 64;
const ATTEMPTS = 64;
let block: Promise<Iterator<number> | undefined> | undefined;

/**
 * A port on 127.0.0.1 that nobody listens on at this moment, each time another, and not one that another process was
 * given here; `preferred` where that is free. Another program may still take it before its user does: starting a
 * server there can fail.
 */
export async function freePort(preferred = 0): Promise<number> {
  if (preferred !== 0 && (await isFree(preferred))) return preferred;
  for (;;) {
    block ??= claimBlock();
    const current = block;
    const ports = await current;
    if (ports === undefined) return (await tryPort(0)) ?? Promise.reject(new Error("no free port"));
    const { value: port, done } = ports.next();
    if (!done && (await isFree(port))) return port;
    if (done && block === current) block = undefined;
  }
}

/** Undefined: so many others were tried that there may be none. */
async function claimBlock(): Promise<Iterator<number> | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = FIRST + randomInt(Math.floor((LAST + 1 - FIRST) / BLOCK)) * BLOCK;
    if (await claimed(first))
      return Array.from({ length: BLOCK - 1 }, (_, index) => first + 1 + index).values();
  }
  return undefined;
}

/** Listens there until the process ends, and does not keep it from ending. */
function claimed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const guard = createServer((socket) => socket.destroy());
    guard.once("error", () => resolve(false));
    guard.listen(port, "127.0.0.1", () => {
      guard.unref();
      resolve(true);
    });
  });
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
