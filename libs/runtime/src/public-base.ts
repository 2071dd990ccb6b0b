import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { Settings } from "./settings.js";

/** Where a door is, as whoever sent a request reaches it; without a slash at its end. */
export type PublicBase = (request: IncomingMessage) => string;

const HOST = /^[A-Za-z0-9._~-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;

/** The HTTP door: as FIELDLOG_PUBLIC_URL says, else as the request's Host does, else the address that it came to. */
export function publicBase({ publicUrl }: Pick<Settings, "publicUrl">): PublicBase {
  return publicUrl === undefined ? (request) => cameTo(request, "http") : fixed(publicUrl);
}

type WebSocketSettings = Pick<Settings, "publicUrl" | "publicWsUrl" | "wsPort" | "wssPort" | "tlsCert">;

/**
 * The WebSocket door, for who came to another one: as FIELDLOG_PUBLIC_WS_URL says, else on the other's host at its own
 * port, by TLS for who came by it.
 */
export function webSocketBase(settings: WebSocketSettings): PublicBase {
  const { publicWsUrl, wsPort, wssPort, tlsCert } = settings;
  if (publicWsUrl !== undefined) return fixed(publicWsUrl);
  const base = publicBase(settings);
  return (request) => {
    const { protocol, hostname } = new URL(base(request));
    if (protocol === "http:") return `ws://${hostname}:${wsPort}`;
    // Without a certificate there is something before the doors that has one.
    return `wss://${hostname}:${tlsCert === undefined ? wsPort : wssPort}`;
  };
}

/** The WebSocket door, for who came to it. */
export function ownWebSocketBase(settings: WebSocketSettings): PublicBase {
  const { publicUrl, publicWsUrl } = settings;
  if (publicUrl === undefined && publicWsUrl === undefined) return (request) => cameTo(request, "ws");
  return webSocketBase(settings);
}

export interface MqttPlace {
  readonly host: string;
  readonly port: number;
}

/** The MQTT door as FIELDLOG_PUBLIC_MQTT_URL says; undefined: it says nothing. */
export function publicMqtt({ publicMqttUrl }: Pick<Settings, "publicMqttUrl">): MqttPlace | undefined {
  if (publicMqttUrl === undefined) return undefined;
  const { protocol, hostname, port } = new URL(publicMqttUrl);
  return { host: hostname, port: Number(port) || (protocol === "mqtts:" ? 8883 : 1883) };
}

function fixed(url: string): PublicBase {
  const base = url.replace(/\/+$/, "");
  return () => base;
}

function cameTo({ headers: { host = "" }, socket }: IncomingMessage, scheme: "http" | "ws"): string {
  const protocol = socket instanceof TLSSocket ? `${scheme}s` : scheme;
  if (HOST.test(host)) return `${protocol}://${host}`;
  const { localAddress = "127.0.0.1", localPort = 80 } = socket;
  const address = localAddress.includes(":") ? `[${localAddress}]` : localAddress;
  return `${protocol}://${address}:${localPort}`;
}
