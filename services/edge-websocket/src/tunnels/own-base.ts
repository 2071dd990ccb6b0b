import type { IncomingMessage } from "node:http";

const HOST = /^[A-Za-z0-9._~-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;

/**
 * Where this door is, for a device: on the host of FIELDLOG_PUBLIC_URL, by TLS where that says that there is a proxy which
 * speaks it; without one, where the operator found it.
 */
export function ownBase({ publicUrl, wsPort }: { publicUrl?: string | undefined; wsPort: number }) {
  if (publicUrl !== undefined) {
    const { protocol, hostname } = new URL(publicUrl);
    const base = `${protocol === "https:" ? "wss" : "ws"}://${hostname}:${wsPort}`;
    return () => base;
  }
  return ({ headers: { host = "" }, socket }: IncomingMessage) => {
    const { localAddress = "127.0.0.1", localPort } = socket;
    const address = localAddress.includes(":") ? `[${localAddress}]` : localAddress;
    return `ws://${HOST.test(host) ? host : `${address}:${localPort}`}`;
  };
}
