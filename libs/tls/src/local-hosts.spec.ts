import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { localHosts } from "./local-hosts.js";

describe("the hosts of this machine", () => {
  const always = ["localhost", "127.0.0.1", "::1", hostname().toLowerCase()];

  it("are the loopback, the machine's name, the bound address and the host of the public URL", () => {
    const hosts = localHosts({ bind: "192.0.2.7", publicUrl: "https://Fieldlog.Example:8443/x" });
    expect(hosts).toEqual([...always, "192.0.2.7", "fieldlog.example"]);
  });

  it("are named once", () => {
    expect(localHosts({ bind: "127.0.0.1", publicUrl: "http://localhost:8080" })).toEqual(always);
  });

  it("have no brackets around IPv6 addresses", () => {
    expect(localHosts({ publicUrl: "https://[2001:db8::1]:8443" }).at(-1)).toBe("2001:db8::1");
  });

  it("are, when bound to all addresses, all of the machine's", () => {
    const hosts = localHosts({ bind: "0.0.0.0" });
    expect(hosts).not.toContain("0.0.0.0");
    expect(hosts.slice(0, always.length)).toEqual(always);
  });
});
