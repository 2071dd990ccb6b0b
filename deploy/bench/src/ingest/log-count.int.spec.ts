import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { connectLog } from "@fieldlog/event-log";
import { startServers, type TestServers } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { countLog } from "./log-count.js";

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

const signal = (device: string, identity: string) =>
  toBinary(signals.SignalSchema, create(signals.SignalSchema, { device, identity }));

it("counts what the log holds, and what it holds twice", async () => {
  const log = await connectLog({ url: servers.nats.url, name: "test" });
  try {
    expect(await countLog(servers.nats)).toEqual({ signals: 0, repeated: 0, commits: 0, upTo: [0] });
    const identities = Array.from({ length: 200 }, (_, index) => String(index));
    await Promise.all(identities.map((identity) => log.signals.append("default", signal("a", identity))));
    await log.signals.append("default", signal("a", "7"));
    await log.signals.append("test", signal("b", "7"));
    const count = await countLog(servers.nats);
    expect(count).toMatchObject({ signals: 202, repeated: 1 });
    expect(count.upTo).toHaveLength(count.commits + 1);
    expect(count.upTo.at(-1)).toBe(202);
  } finally {
    await log.close();
  }
});
