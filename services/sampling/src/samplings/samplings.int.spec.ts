import { randomUUID } from "node:crypto";
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  REGISTRY,
  registry,
  registryOfNamespace,
  registrySubject,
  SIGNALS,
  type sampling,
  signals,
  signalsSubject,
} from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { RemoteHost } from "@fieldlog/remote";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Replica, startDevices, startReplica } from "../replica.fixture.js";

const DEVICE = "15:FE:90:11:1D:18";
const SENSOR = "Accelerometer";
const SENSORS = [SENSOR, "Camera (320x240)"];

let servers: TestServers;
let log: EventLog;
let devices: Awaited<ReturnType<typeof startDevices>>;
let replicas: Replica[];
let release: (() => void)[] = [];
let namespace = "";

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  devices = await startDevices(
    new Map([
      [DEVICE, SENSORS],
      ["one", ["Microphone"]],
      ["none", []],
    ]),
  );
  const database = await servers.databaseUrl("sampling");
  replicas = [
    await startReplica(servers.nats.url, database, devices.address),
    await startReplica(servers.nats.url, database, devices.address),
  ];
  for (const { client } of replicas) {
    await until("its tables are made", () => client.listSamplings({ namespace: "n", limit: 1 }));
  }
});
afterAll(async () => {
  for (const replica of replicas ?? []) await replica.close();
  await devices?.stop();
  await log?.close();
  await servers?.stop();
});
beforeEach(() => {
  namespace = randomUUID();
  for (const end of release) end();
  release = [];
});

const one = () => (replicas[0] as Replica).client;
const other = () => (replicas[1] as Replica).client;

/** The device is connected to an edge, as far as anybody can see. */
async function connect(connection: string, device = DEVICE): Promise<void> {
  const sensors = SENSORS.map((name) => ({ name }));
  const held = { namespace, device, connection, connectedAt: Date.now() };
  release.push(new RemoteHost(log.connection).hold(held, () => ({ status: { connection, sensors } })));
  await log.connection.flush();
}

function request(more: object = {}, device = DEVICE) {
  const asked = { label: "wave", lengthMs: 100, intervalMs: 10, category: "training", sensor: SENSOR };
  return one()
    .requestSampling({ namespace, device, asked: { ...asked, ...more } })
    .then(({ sampling }) => sampling as sampling.Sampling);
}

function say(step: string, more: object = {}, client = one()) {
  return client.reportStep({ namespace, device: DEVICE, connection: "c1", step, ...more });
}

async function stateOf(id: string) {
  const atLeast = BigInt(await log.lastSequence(REGISTRY));
  const { sampling } = await other().getSampling({ namespace, device: DEVICE, sampling: id, atLeast });
  return sampling as sampling.Sampling;
}

/** A sample is stored for it, as the other half of the service does. */
async function upload(sampling: string): Promise<string> {
  const id = randomUUID();
  const value = { device: DEVICE, sampling, category: "training", label: "wave" };
  const decision = create(registry.DecisionSchema, { events: [{ event: { case: "sampleStored", value } }] });
  await log.registry.append({ namespace, kind: "sample", id }, decision, 0);
  return id;
}

/** What is told of samplings in the log, in order. */
async function told() {
  const events: { identity: string; name: string; data: Record<string, unknown> }[] = [];
  const last = await log.lastSequence(SIGNALS);
  if (last === 0) return events;
  const commits = log.read(SIGNALS, { after: 0, until: last, subject: signalsSubject(namespace) });
  for await (const batch of commits) {
    for (const { data } of batch) {
      for (const { identity, body } of fromBinary(signals.SignalBatchSchema, data).signals) {
        if (body.case !== "event" || body.value.issuer !== "sampling") continue;
        const said = JSON.parse(Buffer.from(body.value.data).toString());
        events.push({ identity, name: body.value.name, data: said });
      }
    }
  }
  return events;
}

const namesOf = (events: { name: string; data: Record<string, unknown> }[], sampling: string) =>
  events.filter(({ data }) => data["sampling"] === sampling).map(({ name }) => name);

describe("a sampling", () => {
  it("goes from its request to what arrived, and every step is an event", async () => {
    await connect("c1");
    const made = await request();
    expect([made.state, made.asked?.label, made.place]).toEqual(["sent", "wave", undefined]);
    for (const step of ["started", "accepted"]) expect((await say(step)).sampling).toBe(made.id);
    await say("reading", { percent: 12.5 });
    await say("uploading", {}, other());
    const sample = await upload(made.id);
    const arrived = await until("it arrived", async () => {
      const found = await stateOf(made.id);
      return found.state === "arrived" ? found : undefined;
    });
    expect(arrived).toMatchObject({ sample, percent: 12.5, sampleNumber: expect.any(BigInt) });
    await say("finished");
    const events = await until("all are told", async () => {
      const events = await told();
      return events.at(-1)?.name === "SamplingFinished" ? events : undefined;
    });
    expect(namesOf(events, made.id)).toEqual([
      ...["SamplingSent", "SamplingStarted", "SamplingAccepted", "SamplingReading", "SamplingUploading"],
      ...["SamplingArrived", "SamplingFinished"],
    ]);
    expect(new Set(events.map(({ identity }) => identity)).size).toBe(events.length);
    expect(events.find(({ name }) => name === "SamplingReading")?.data).toEqual({
      ...{ sampling: made.id, label: "wave", sensor: "Accelerometer", category: "training", percent: 12.5 },
    });
    expect(events.find(({ name }) => name === "SamplingArrived")?.data).toMatchObject({
      sample: Number(arrived.sampleNumber),
    });
    const { steps } = await stateOf(made.id);
    expect(steps.map(({ name }) => name)).toEqual([
      ...["sent", "started", "accepted", "reading", "uploading", "arrived", "finished"],
    ]);
  });

  it("waits for its device, and for those before it, at a place that can be seen", async () => {
    const made = [await request(), await request(), await request({ label: "idle" })];
    expect(made.map(({ state, place }) => [state, place])).toEqual(
      [1, 2, 3].map((place) => ["queued", place]),
    );
    const [first, second, third] = made.map(({ id }) => id) as [string, string, string];
    await connect("c1");
    await other().connected({ namespace, device: DEVICE, connection: "c1" });
    expect((await stateOf(first)).state).toBe("sent");
    expect((await stateOf(third)).place).toBe(2);
    await say("finished");
    expect((await stateOf(second)).state).toBe("sent");
    await one().cancelSampling({ namespace, device: DEVICE, sampling: third });
    await one().cancelSampling({ namespace, device: DEVICE, sampling: third });
    const asked = {
      namespace,
      device: DEVICE,
      limit: 2,
      atLeast: BigInt(await log.lastSequence(REGISTRY)),
    };
    const page = await one().listSamplings(asked);
    expect(page.samplings.map(({ id, state }) => [id, state])).toEqual([
      [third, "cancelled"],
      [second, "sent"],
    ]);
    const rest = await one().listSamplings({ ...asked, ...(page.next ? { before: page.next } : {}) });
    expect(rest.samplings.map(({ id }) => id)).toEqual([first]);
    const running = await one().listSamplings({ ...asked, state: "running" });
    expect(running.samplings.map(({ id }) => id)).toEqual([second, first]);
    await until("all is told", async () => namesOf(await told(), third).length === 2);
    expect(namesOf(await told(), third)).toEqual(["SamplingQueued", "SamplingCancelled"]);
  });

  it("is told no more of once it is cancelled, and the device gets the next when it has finished", async () => {
    await connect("c1");
    const [first, second] = [await request(), await request()];
    await one().cancelSampling({ namespace, device: DEVICE, sampling: first.id });
    await say("started");
    expect((await stateOf(second.id)).state).toBe("queued");
    await say("finished");
    expect((await stateOf(second.id)).state).toBe("sent");
    await until("the next is told", async () => namesOf(await told(), second.id).includes("SamplingSent"));
    expect(namesOf(await told(), first.id)).toEqual(["SamplingSent", "SamplingCancelled"]);
  });

  it("that is refused frees the device a second later, by itself", async () => {
    await connect("c1");
    const [first, second] = [await request(), await request()];
    await say("refused", { error: "Invalid sensor\u0000: \ud800" });
    expect(await stateOf(first.id)).toMatchObject({
      state: "refused",
      reason: "Invalid sensor\ufffd: \ufffd",
    });
    await until("the next is sent", async () => (await stateOf(second.id)).state === "sent");
  });

  it("has failed when the connection ends before an answer; the next goes to the newer connection", async () => {
    await connect("c1");
    const [first, second] = [await request(), await request()];
    release.pop()?.();
    await connect("c2");
    await one().disconnected({ namespace, device: DEVICE, connection: "c1" });
    expect((await stateOf(first.id)).state).toBe("failed");
    expect((await stateOf(second.id)).state).toBe("sent");
  });

  it("times out in the queue and without an answer, and is told once, though every replica looks", async () => {
    const now = Date.now();
    const begun = async (id: string, ago: number, until: number, sent: boolean) => {
      const asked = { sampling: id, label: "x", lengthMs: 1, intervalMs: 1, category: "training" };
      const value = { ...asked, queuedUntil: BigInt(until) };
      const decision = create(registry.DecisionSchema, {
        events: [
          { event: { case: "samplingRequested", value } },
          ...(sent ? [{ event: { case: "samplingSent" as const, value: { sampling: id } } }] : []),
        ],
        decidedAt: BigInt(now - ago),
      });
      await log.registry.append({ namespace, kind: "sampling", id: `of ${id}` }, decision, 0);
    };
    await begun("waits", 600_000, now - 1, false);
    await begun("unanswered", 15_000, now + 600_000, true);
    const reasons = await until("both are told", async () => {
      const events = (await told()).filter(({ name }) => name === "SamplingTimedOut");
      return events.length < 2 ? undefined : events.map(({ data }) => [data["sampling"], data["error"]]);
    });
    expect(reasons.sort()).toEqual([
      ["unanswered", "the device did not answer"],
      ["waits", "its turn did not come: the device was away, or busy"],
    ]);
  });

  it("goes to one of two replicas' askers at once, whoever was first", async () => {
    await connect("c1");
    const asked = { label: "x", lengthMs: 1, intervalMs: 1, category: "testing", sensor: SENSOR };
    const clients = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one() : other()));
    const all = await Promise.all(
      clients.map((client) => client.requestSampling({ namespace, device: DEVICE, asked })),
    );
    const places = all.map(({ sampling }) => sampling?.place ?? 0).sort((a, b) => a - b);
    expect(places).toEqual(clients.map((_, index) => index));
  });
});

describe("what is asked", () => {
  it.each<[string, object]>([
    ["label", { label: "" }],
    ["label", { label: "ä".repeat(64) }],
    ["label", { label: "a\nb" }],
    ["length_ms", { lengthMs: 0 }],
    ["length_ms", { lengthMs: 3_600_001 }],
    ["interval_ms", { intervalMs: 0 }],
    ["interval_ms", { intervalMs: Number.NaN }],
    ["category", { category: "elsewhere" }],
    ["sensor", { sensor: "Thermometer" }],
    ["sensor", { sensor: "" }],
  ])("is refused for its %s: %j", async (field, more) => {
    await expect(request(more)).rejects.toMatchObject({ code: "invalid_argument", details: { field } });
  });

  it("need not name the only sensor, and no device has to be there; but it has to exist", async () => {
    expect((await request({ sensor: "" }, "one")).asked?.sensor).toBe("Microphone");
    expect((await request({ sensor: "" }, "none")).asked?.sensor).toBe("");
    await expect(request({}, "nobody")).rejects.toMatchObject({ code: "not_found" });
    const asked = { namespace, device: DEVICE, sampling: randomUUID() };
    await expect(one().getSampling(asked)).rejects.toMatchObject({ code: "not_found" });
    await expect(one().cancelSampling(asked)).rejects.toMatchObject({ code: "not_found" });
    await expect(say("arrived")).rejects.toMatchObject({ code: "invalid_argument" });
    expect((await say("started")).sampling).toBe("");
  });
});

describe("what was erased or cleared", () => {
  it("is in no list, and its device may be asked again", async () => {
    const gone = await request();
    const kept = await request({ sensor: "" }, "one");
    const page = async () => {
      const { samplings } = await other().listSamplings({ namespace, limit: 10 });
      return samplings.map(({ id }) => id);
    };
    await until("both are listed", async () => (await page()).length === 2);
    const erased = await log.clearings.record({ namespace, device: DEVICE }, "test");
    await log.clearings.purge(REGISTRY, registrySubject({ namespace, kind: "sampling", id: DEVICE }), erased);
    await until("its device's is gone", async () => (await page()).join() === kept.id);
    const again = await request();
    expect(again.place).toBe(1);
    const cleared = await log.clearings.record({ namespace }, "test");
    await log.clearings.purge(REGISTRY, registryOfNamespace(namespace, "sampling"), cleared);
    await until("all are gone", async () => (await page()).length === 0);
    await expect(
      one().cancelSampling({ namespace, device: DEVICE, sampling: gone.id }),
    ).rejects.toMatchObject({
      code: "not_found",
    });
  });
});
