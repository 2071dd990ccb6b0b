import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AggregateId,
  CLEARED_KINDS,
  REGISTRY,
  SIGNALS,
  signals,
  signalsSubject,
} from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startPair } from "./replica.fixture.js";
import { clearNamespace } from "./service/clearing.js";

let pair: Awaited<ReturnType<typeof startPair>>;
let log: EventLog;

beforeAll(async () => {
  pair = await startPair();
  log = await connectLog({ url: pair.urls.natsUrl, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await pair?.stop();
});

const signal = (identity: string) =>
  toBinary(signals.SignalSchema, create(signals.SignalSchema, { device: "d", identity }));

async function fill(namespace: string): Promise<void> {
  for (const kind of CLEARED_KINDS) {
    const id: AggregateId = { namespace, kind, id: "d" };
    if (kind !== "credential") await log.registry.append(id, { events: [] }, 0);
  }
  await pair.one.client.issueDeviceCredential({ namespace, device: "d", kind: "mqtt-password" });
  for (let i = 0; i < 5; i++) await log.signals.append(namespace, signal(`s${i}`));
}

async function subjects(stream: typeof SIGNALS | typeof REGISTRY): Promise<string[]> {
  const end = await log.lastSequence(stream);
  const found: string[] = [];
  for await (const commits of log.read(stream, { after: 0 })) {
    found.push(...commits.map(({ subject }) => subject));
    if ((commits.at(-1)?.sequence ?? 0) >= end) return found;
  }
  return found;
}

const of = (namespace: string, all: readonly string[]) =>
  all.filter((one) => one.split(".")[1] === namespace);
const hasPassword = (namespace: string) =>
  pair.two.client.findMqttPassword({ namespace, device: "d" }).then(
    () => true,
    () => false,
  );

it("a cleared namespace has no devices and no signals; who may use it stays; others are untouched", async () => {
  const { client } = pair.one;
  const { key } = await client.createApiKey({
    namespace: "test",
    name: "k",
    kind: "native",
    permission: "read",
  });
  await fill("test");
  await fill("default");
  const others = of("default", [...(await subjects(REGISTRY)), ...(await subjects(SIGNALS))]);
  expect(await hasPassword("test")).toBe(true);

  const cleared = await client.clearNamespace({ namespace: "test", decidedBy: "key:1" });
  expect(cleared).toMatchObject({ decisions: BigInt(CLEARED_KINDS.length), signals: 5n });
  expect(await hasPassword("test")).toBe(false);
  expect(of("test", await subjects(SIGNALS))).toEqual([signalsSubject("test")]);
  expect(of("test", await subjects(REGISTRY))).toEqual([expect.stringMatching(/^registry\.test\.api-key\./)]);
  expect(of("default", [...(await subjects(REGISTRY)), ...(await subjects(SIGNALS))])).toEqual(others);
  expect(await hasPassword("default")).toBe(true);
  expect(key).toBeDefined();
  await fill("test");
  expect(await hasPassword("test")).toBe(true);
});

it("broken off after any step, it is finished by asking again", async () => {
  const { clearings } = log;
  for (let broken = 0; broken < 11; broken++) {
    await log.registry.append({ namespace: "broken", kind: "device", id: "d" }, { events: [] }, 0);
    await log.signals.append("broken", signal("s"));
    let steps = 0;
    const step = <A extends unknown[], R>(work: (...args: A) => R) => {
      return (...args: A): R => {
        if (steps++ === broken) throw new Error("killed");
        return work(...args);
      };
    };
    const parts = {
      checkNamespace: async () => undefined,
      logger: { info: () => undefined },
      clearings: {
        record: step(clearings.record.bind(clearings)),
        mark: step(clearings.mark.bind(clearings)),
        purge: step(clearings.purge.bind(clearings)),
      },
    };
    await expect(clearNamespace(parts, "broken", "test")).rejects.toThrow("killed");
    // Whatever is missing by now, nobody is stopped by it.
    await subjects(REGISTRY);
    await subjects(SIGNALS);
    await clearNamespace({ ...parts, clearings }, "broken", "test");
    expect(of("broken", await subjects(REGISTRY))).toEqual([]);
    expect(of("broken", await subjects(SIGNALS))).toEqual([signalsSubject("broken")]);
  }
});

it("settings are answered with the namespace; what is out of range is refused", async () => {
  const { client } = pair.one;
  const settings = {
    liveness: { heartbeatS: 10, inactiveAfterS: 30 },
    limits: { devices: 2 },
    offers: "all",
  };
  await client.setNamespaceSettings({ namespace: "test", settings, decidedBy: "key:1" });
  const { namespace } = await pair.two.client.getNamespace({ idOrName: "test" });
  expect(namespace?.settings).toMatchObject({ ...settings, uniqueDeviceNames: false });
  const wrong = client.setNamespaceSettings({ namespace: "test", settings: { limits: { devices: 0 } } });
  await expect(wrong).rejects.toMatchObject({ code: "invalid_argument" });
  await expect(client.setNamespaceSettings({ namespace: "none", settings: {} })).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(client.clearNamespace({ namespace: "none" })).rejects.toMatchObject({ code: "not_found" });
});
