import { randomUUID } from "node:crypto";
import { DECISIONS_TOLD, INSTALLATION, registrySubject, SIGNALS } from "@fieldlog/contracts";
import { connectLog, decodeBatch, type EventLog, LogUnavailable, RecordBucket } from "@fieldlog/event-log";
import { openReadDatabase } from "@fieldlog/read-model";
import { createMetrics, type Registry } from "@fieldlog/runtime";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { eventSignal } from "./event-signal.js";
import { type DecisionToTell, Teller, type TellerOptions } from "./teller.js";

const KIND = "properties";
const SCHEMA = "telling";

let servers: TestServers;
let log: EventLog;
let url = "";
let namespace = "";
let metrics: Registry;
let tellers: Teller[] = [];
/** Sequence of the newest decision of each device. */
let newest: Map<string, number>;

beforeAll(async () => {
  servers = await startServers();
  url = await servers.databaseUrl("telling");
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});
beforeEach(() => {
  namespace = randomUUID();
  newest = new Map();
  metrics = createMetrics();
});
afterEach(async () => {
  await Promise.all(tellers.map((teller) => teller.stop()));
  tellers = [];
});

/** What is told of a decision: two events. */
const identities = (sequence: number) => [`${sequence}/0`, `${sequence}/1`];
const signal = (device: string, identity: string, data: object = {}) =>
  eventSignal({ device, identity, name: "Told", issuer: "test", data, occurredAt: 0, now: 0 });
const signalsOf = async ({ id, sequence }: DecisionToTell): Promise<Uint8Array[]> =>
  id.namespace === namespace ? identities(sequence).map((identity) => signal(id.id, identity)) : [];

function tell(more: Partial<TellerOptions> = {}): Teller {
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const teller = new Teller({
    ...{ log, kind: KIND, signalsOf, logger, metrics, url, schema: SCHEMA, replicas: 1 },
    ...more,
  });
  tellers.push(teller);
  teller.start();
  return teller;
}

/** Up to which sequence all is noted as told. */
async function noted(): Promise<number> {
  const bucket = await RecordBucket.open<number>(log.connection, {
    ...{ name: DECISIONS_TOLD, replicas: 1 },
    encode: (sequence) => Buffer.from(String(sequence)),
    decode: (data) => Number(Buffer.from(data).toString()),
  });
  return (await bucket.get({ namespace: INSTALLATION, id: KIND }))?.record ?? 0;
}

/** Decides on several devices in turn; the sequences. */
async function decide(count: number, devices = ["a", "b", "c"]): Promise<number[]> {
  const sequences: number[] = [];
  for (let i = 0; i < count; i++) {
    const id = devices[i % devices.length] as string;
    const sequence = await log.registry.append(
      { namespace, kind: KIND, id },
      { events: [{ event: { case: "desiredChanged", value: {} } }], decidedAt: 1n, decidedBy: "test" },
      newest.get(id) ?? 0,
    );
    newest.set(id, sequence);
    sequences.push(sequence);
  }
  return sequences;
}

/** Identities of the namespace's signals, in the order of the log. */
async function told(): Promise<string[]> {
  const until = await log.lastSequence(SIGNALS);
  const found: string[] = [];
  if (until === 0) return found;
  for await (const commits of log.read(SIGNALS, { after: 0, until })) {
    for (const { subject, data } of commits) {
      if (subject === `signals.${namespace}`)
        found.push(...decodeBatch(data).map(({ identity }) => identity));
    }
  }
  return found;
}
const allOf = (sequences: readonly number[]) => sequences.flatMap(identities);
const toldAll = (sequences: readonly number[]) =>
  until("all is told", async () => new Set(await told()).size >= 2 * sequences.length);

it("tells in the order of the decisions, one replica at a time, and goes on with the other one", async () => {
  const before = await decide(150);
  const [one, other] = [tell(), tell()];
  await toldAll(before);
  const during = await decide(20);
  await toldAll([...before, ...during]);
  await one.stop();
  const after = await decide(10);
  await toldAll([...before, ...during, ...after]);
  await other.stop();
  expect(await told()).toEqual(allOf([...before, ...during, ...after]));
});

it("stopped and started again, goes on from where it was", async () => {
  const sequences = await decide(5);
  await tell().stop();
  const teller = tell();
  await toldAll(sequences);
  await teller.stop();
  sequences.push(...(await decide(5)));
  tell();
  await toldAll(sequences);
  expect(await told()).toEqual(allOf(sequences));
});

it("what the log refuses in the middle is told again in its turn, under the same identities", async () => {
  const sequences = await decide(6);
  let refused = 0;
  let asked = 0;
  // As the log does: with one it refuses all that waits behind it.
  const append: EventLog["signals"]["append"] = (...given) => {
    asked++;
    if (refused === 0 && asked <= 5) return log.signals.append(...given);
    if (asked <= 2 * sequences.length) {
      refused++;
      return Promise.reject(new LogUnavailable("test"));
    }
    return log.signals.append(...given);
  };
  tell({ log: withAppend(append) });
  await toldAll(sequences);
  expect(refused).toBeGreaterThan(0);
  const found = await told();
  expect([...new Set(found)]).toEqual(allOf(sequences));
  const twice = found.filter((identity, index) => found.indexOf(identity) !== index);
  expect(allOf(sequences).slice(0, 5)).toEqual(expect.arrayContaining(twice));
});

it("killed in the middle, nothing is lost, nothing before its turn, and no more doubled than was not noted", async () => {
  const first = await decide(3);
  let hangs = false;
  let letGo: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  onTestFinished(() => letGo());
  // Stored, and whoever stored it does not hear of it.
  const append: EventLog["signals"]["append"] = async (...given) => {
    const position = await log.signals.append(...given);
    if (hangs) await gone;
    return position;
  };
  tell({ log: withAppend(append) });
  await toldAll(first);
  await until("that is noted", async () => (await noted()) >= (first.at(-1) ?? 0));
  const other = tell();
  hangs = true;
  const second = await decide(3);
  await until("it is in the middle", async () => (await told()).includes(`${second[0]}/0`));
  // Its session ends with it.
  await endSessions();
  const third = await decide(3);
  await toldAll([...first, ...second, ...third]);
  // It was only asleep, and wakes: the other one's place is not taken back.
  letGo();
  hangs = false;
  await other.stop();
  const fourth = await decide(3);
  const all = [...first, ...second, ...third, ...fourth];
  await toldAll(all);
  const found = await told();
  expect([...new Set(found)]).toEqual(allOf(all));
  const twice = found.filter((identity, index) => found.indexOf(identity) !== index);
  expect(allOf(second)).toEqual(expect.arrayContaining(twice));
});

it("a decision that cannot be told, or is none, is passed over and counted; a failure that passes is waited for", async () => {
  const [wrong, large, waits, ...others] = await decide(8);
  log.connection.publish(registrySubject({ namespace, kind: KIND, id: "d" }), Buffer.from([0xff]));
  await log.connection.flush();
  const last = await decide(1);
  let tries = 0;
  tell({
    signalsOf: async (decision) => {
      const { sequence, id } = decision;
      if (sequence === wrong) throw new TypeError("of a version that nobody knows");
      if (sequence === large) return [signal(id.id, "large", { text: "x".repeat(300_000) })];
      if (sequence === waits && ++tries < 3) throw new Error("the tables are behind the log");
      return signalsOf(decision);
    },
  });
  const good = [waits as number, ...others, ...last];
  await toldAll(good);
  expect(await told()).toEqual(allOf(good));
  expect(tries).toBe(3);
  const { values } = await (
    metrics.getSingleMetric("fieldlog_decisions_not_told_total") as NonNullable<
      ReturnType<Registry["getSingleMetric"]>
    >
  ).get();
  expect(values).toMatchObject([{ labels: { kind: KIND } }]);
  // More, where they are tried again with what had to wait.
  expect(values[0]?.value).toBeGreaterThanOrEqual(3);
});

/** Of whoever holds a lease in this database. */
async function endSessions(): Promise<void> {
  const database = openReadDatabase({ url, schema: SCHEMA });
  await database.pool.query(`
    SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
  await database.close();
}

function withAppend(append: EventLog["signals"]["append"]): TellerOptions["log"] {
  return {
    read: (...given) => log.read(...given),
    connection: log.connection,
    signals: { append } as EventLog["signals"],
  };
}
