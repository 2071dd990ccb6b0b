import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";

/** Where the door is, as whoever sent a request reaches it; without a slash at its end. */
export type PublicBase = (request: IncomingMessage) => string;

const HOST = /^[A-Za-z0-9._~-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;

/** As FIELDLOG_PUBLIC_URL says, else as the request's Host does, else the address that it came to. */
export function publicBase(publicUrl: string | undefined): PublicBase {
  if (publicUrl !== undefined) {
    const base = publicUrl.replace(/\/+$/, "");
    return () => base;
  }
  return ({ headers: { host = "" }, socket }) => {
    const protocol = socket instanceof TLSSocket ? "https" : "http";
    if (HOST.test(host)) return `${protocol}://${host}`;
    const { localAddress = "127.0.0.1", localPort = 80 } = socket;
    const address = localAddress.includes(":") ? `[${localAddress}]` : localAddress;
    return `${protocol}://${address}:${localPort}`;
  };
}

/**
 * Where edge-websocket is, as whoever sent a request to this door reaches it: on the same host, at its own port; by TLS where
 * FIELDLOG_PUBLIC_URL says that there is a proxy which speaks it, since edge-websocket itself does not.
 */
export function webSocketBase(publicUrl: string | undefined, port: number): PublicBase {
  const base = publicBase(publicUrl);
  const protocol = publicUrl?.startsWith("https:") ? "wss" : "ws";
  return (request) => `${protocol}://${new URL(base(request)).hostname}:${port}`;
}

/** Where an upload's token is used. The URL is a capability: it is told to its device alone, and never logged. */
export function uploadUrl(base: string, token: string): string {
  return `${base}/uploads/${token}`;
}

/** Where a reading's token is used. */
export function downloadUrl(base: string, namespace: string, number: number, token: string): string {
  return `${base}/json/v1/${encodeURIComponent(namespace)}/data/reading/${number}?token=${token}`;
}
