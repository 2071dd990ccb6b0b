import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import type { Settings } from "@fieldlog/runtime";

/** Whence a request came, for those who count by address. */
export type AddressOf = (request: Pick<IncomingMessage, "headers" | "socket">) => string;

/**
 * The other end of the connection; where that is a trusted proxy, whom it names. Each proxy adds to X-Forwarded-For,
 * at its end, whom it was asked by; what stands before the last address that is no proxy's anybody may have written.
 */
export function addressOf({ trustedProxies }: Pick<Settings, "trustedProxies">): AddressOf {
  const trusted = new BlockList();
  for (const range of trustedProxies) {
    const [address = "", bits] = range.split("/");
    trusted.addSubnet(address, Number(bits), familyOf(address));
  }
  return ({ headers, socket }) => {
    let address = socket.remoteAddress ?? "";
    const named = String(headers["x-forwarded-for"] ?? "").split(",");
    while (isIP(address) !== 0 && trusted.check(address, familyOf(address))) {
      const before = plain(named.pop());
      if (before === undefined) break;
      address = before;
    }
    return address;
  };
}

/** Without a port, which some proxies add; undefined for what is no address. */
function plain(text = ""): string | undefined {
  const [, v6, v4] = /^\[([^\]]+)\](?::\d+)?$|^([\d.]+)(?::\d+)?$/.exec(text.trim()) ?? [];
  const address = v6 ?? v4 ?? text.trim();
  return isIP(address) === 0 ? undefined : address;
}

const familyOf = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4");
