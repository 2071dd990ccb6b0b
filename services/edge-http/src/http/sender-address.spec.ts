import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { addressOf } from "./sender-address.js";

const of = addressOf({ trustedProxies: ["10.1.0.0/16", "fd00::/8"] });
const from = (remoteAddress: string, forwarded?: string) =>
  of({
    headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    socket: { remoteAddress } as Socket,
  });

describe("whence a request came", () => {
  it("is the other end of its connection, whatever its headers say", () => {
    expect(from("203.0.113.7")).toBe("203.0.113.7");
    expect(from("203.0.113.7", "192.0.2.1")).toBe("203.0.113.7");
    expect(from("203.0.113.7", "192.0.2.1, 10.1.0.1")).toBe("203.0.113.7");
    expect(
      addressOf({ trustedProxies: [] })({
        headers: { "x-forwarded-for": "192.0.2.1" },
        socket: { remoteAddress: "10.1.0.1" } as Socket,
      }),
    ).toBe("10.1.0.1");
  });

  it("is whom a trusted proxy names, and not whom the sender names before it", () => {
    expect(from("10.1.0.1", "192.0.2.1")).toBe("192.0.2.1");
    expect(from("::ffff:10.1.0.1", "192.0.2.1")).toBe("192.0.2.1");
    expect(from("fd00::1", "2001:db8::1")).toBe("2001:db8::1");
    expect(from("10.1.0.1", "198.51.100.1, 192.0.2.1")).toBe("192.0.2.1");
    expect(from("10.1.0.1", "198.51.100.1, 192.0.2.1, 10.1.9.9")).toBe("192.0.2.1");
    expect(from("10.1.0.1", "10.1.0.2, 192.0.2.1:4711")).toBe("192.0.2.1");
    expect(from("10.1.0.1", "[2001:db8::1]:4711")).toBe("2001:db8::1");
  });

  it("is the proxy itself where it names nobody, or what is no address", () => {
    expect(from("10.1.0.1")).toBe("10.1.0.1");
    expect(from("10.1.0.1", "")).toBe("10.1.0.1");
    expect(from("10.1.0.1", "192.0.2.1, unknown")).toBe("10.1.0.1");
    expect(from("10.1.0.1", "10.1.0.2")).toBe("10.1.0.2");
  });
});
