import { SettingsError } from "@fieldlog/runtime";
import { describe, expect, it } from "vitest";
import { Addresses, AddressRefused } from "./addresses.js";

const none = new Addresses("");

describe("webhooks may reach", () => {
  it.each(["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])("the public internet: %s", (address) => {
    expect(() => none.check(address)).not.toThrow();
  });

  it.each([
    ...["127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"],
    ...["0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1"],
    ...["::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"],
    // An IPv4 address in the clothes of an IPv6 address.
    ...["::ffff:127.0.0.1", "::ffff:a00:1", "64:ff9b::7f00:1", "2002:7f00:1::"],
    ...["localhost", "", "1.1.1.1.1", "0x7f000001.example"],
  ])("not %s", (address) => {
    expect(() => none.check(address)).toThrow(AddressRefused);
  });

  it("what the operator allows besides, and nothing next to it", () => {
    const some = new Addresses("10.1.0.0/16, 127.0.0.1,fd00::/8");
    for (const address of ["10.1.255.255", "127.0.0.1", "::ffff:127.0.0.1", "fd12::1"]) some.check(address);
    for (const address of ["10.2.0.0", "127.0.0.2", "fc00::1"]) {
      expect(() => some.check(address)).toThrow(AddressRefused);
    }
  });

  it("nothing at all, as long as the setting makes no sense", () => {
    for (const setting of ["10.0.0.0/33", "intranet", "10.0.0.0/8,/"]) {
      expect(() => new Addresses(setting)).toThrow(SettingsError);
    }
  });
});
