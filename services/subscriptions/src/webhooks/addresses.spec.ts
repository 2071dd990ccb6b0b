import { SettingsError } from "@fieldlog/runtime";
import { describe, expect, it } from "vitest";
import { Addresses, AddressRefused } from "./addresses.js";
import { checkEndpoint } from "./endpoint-url.js";

const none = new Addresses("");

describe("webhooks may reach", () => {
  it.each(["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])("the public internet: %s", (address) => {
    expect(() => none.check(address)).not.toThrow();
  });

  it.each([
    ...["127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"],
    ...["0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1", "192.0.0.192"],
    // Metadata of clouds, wherever they put it.
    ...["168.63.129.16", "::ffff:168.63.129.16", "100.100.100.200", "fd00:ec2::254"],
    ...["::1", "::", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"],
    // An IPv4 address in the clothes of an IPv6 address.
    ...["::ffff:127.0.0.1", "::ffff:a00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1"],
    ...["2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::ffff:0:127.0.0.1", "4000::1"],
    ...["localhost", "", "1.1.1.1.1", "0x7f000001.example", "127.1", "2130706433"],
  ])("not %s", (address) => {
    expect(() => none.check(address)).toThrow(AddressRefused);
  });

  it("what the operator allows besides, and nothing next to it", () => {
    const some = new Addresses("10.1.0.0/16, 127.0.0.1,fd00::/8,::ffff:192.168.0.1");
    for (const address of ["10.1.255.255", "127.0.0.1", "::ffff:127.0.0.1", "fd12::1", "192.168.0.1"]) {
      expect(() => some.check(address)).not.toThrow();
    }
    for (const address of ["10.2.0.0", "127.0.0.2", "fc00::1", "::ffff:10.2.0.0", "192.168.0.2"]) {
      expect(() => some.check(address)).toThrow(AddressRefused);
    }
  });

  it.each([
    "10.0.0.0/33",
    "intranet",
    "10.0.0.0/8,/",
    "10/8",
    "10.1/16",
    "::/129",
    "10.0.0.0/8/8",
    "10.0.0.0/",
  ])("nothing at all, as long as the setting makes no sense: %s", (setting) => {
    expect(() => new Addresses(setting)).toThrow(SettingsError);
    expect(() => new Addresses(setting)).toThrow(/FIELDLOG_WEBHOOK_ALLOW/);
  });

  it("no name that has one address among others that is not allowed; which, is not told", () => {
    const check = () => none.checkAll("two.example", ["1.1.1.1", "10.9.8.7"]);
    expect(check).toThrow("what two.example resolves to is not an address that webhooks may reach (private)");
    expect(() => none.checkAll("one.example", ["1.1.1.1"])).not.toThrow();
  });
});

describe("a webhook's URL", () => {
  it.each(["https://hooks.example/x", "http://1.1.1.1:8080/", "https://[2606:4700:4700::1111]/"])(
    "may be %s",
    (url) => {
      expect(() => checkEndpoint(url, none)).not.toThrow();
    },
  );

  it.each([
    ...[
      "http://127.0.0.1/",
      "http://2130706433/",
      "http://0x7f.1/",
      "http://0177.0.0.1/",
      "http://127.0.0.1./",
    ],
    ...["http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest/meta-data/"],
    ...["http://localhost/", "http://LOCALHOST./", "http://x.localhost:8080/", "http://１２７.0.0.1/"],
  ])("is refused as soon as it is given: %s", (url) => {
    expect(() => checkEndpoint(url, none)).toThrow(AddressRefused);
    expect(() =>
      checkEndpoint(url, new Addresses("127.0.0.0/8,::1,10.0.0.0/8,169.254.169.254")),
    ).not.toThrow();
  });
});
