import { expect, it } from "vitest";
import type { Link } from "../proxy/link.js";
import { callsThroughLinks } from "./calls.js";

it("a process calls others by way of one link, and takes calls where it did", async () => {
  const links = new Map<string, Link>();
  const settings = {
    FIELDLOG_AUTH_GRPC: "ipv4:127.0.0.1:9101,127.0.0.1:9201",
    FIELDLOG_DEVICES_GRPC: "127.0.0.1:9102",
    FIELDLOG_OFFERS_GRPC: "127.0.0.1:9106",
  };
  try {
    const ports = (name: string) => links.get(name)?.ports.map((port) => `127.0.0.1:${port}`) ?? [];
    const sampling = await callsThroughLinks(links, "sampling-2", settings);
    const [first, second, third] = ports("sampling-2 to services");
    expect(sampling).toEqual({
      FIELDLOG_AUTH_GRPC: `ipv4:${first},${second}`,
      FIELDLOG_DEVICES_GRPC: third,
    });
    expect(Object.keys(await callsThroughLinks(links, "auth", settings))).toEqual(["FIELDLOG_DEVICES_GRPC"]);
    expect(Object.keys(await callsThroughLinks(links, "edge-http", settings))).toEqual(Object.keys(settings));
    expect(await callsThroughLinks(links, "liveness", settings)).toEqual({});
    expect([...links.keys()]).toEqual([
      "sampling-2 to services",
      "auth to services",
      "edge-http to services",
    ]);
  } finally {
    await Promise.all([...links.values()].map((link) => link.close()));
  }
});
