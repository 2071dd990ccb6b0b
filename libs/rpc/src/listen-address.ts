/**
 * Where a service listens whose callers dial `dial` (host:port): on that port, at the address that
 * this machine listens on.
 */
export function listenAddress(dial: string, bind: string): string {
  const port = dial.slice(dial.lastIndexOf(":") + 1);
  return bind.includes(":") && !bind.startsWith("[") ? `[${bind}]:${port}` : `${bind}:${port}`;
}
