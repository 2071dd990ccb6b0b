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
 * A port on 127.0.0.1 that nobody listens on at this moment; `preferred` where that is free.
 * Another program may still take it before its user does: starting a server there can fail.
 */
export async function freePort(preferred = 0): Promise<number> {
  return (await tryPort(preferred)) ?? (await tryPort(0)) ?? Promise.reject(new Error("no free port"));
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
