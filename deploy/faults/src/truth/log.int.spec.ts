import { connectLog, type EventLog } from "@fieldlog/event-log";
import { encoded, pick, startServers, type TestServers } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { completeness } from "../checks/complete.js";
import { Ledger } from "../ledger/ledger.js";
import { digestOf, textOf } from "../ledger/said.js";
import { readLog } from "./log.js";

const SENDER = "planted";
let servers: TestServers;
let log: EventLog;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});

/** One event of the sender, as a door writes it. */
function said(n: number, identity = `${n}`, text = textOf(SENDER, n)): Uint8Array {
  const value = { name: "tick", data: Buffer.from(text) };
  return encoded(pick("d", identity, 0, { body: { case: "event", value } }));
}

it("a loss, a second effect, a change and another order in a real log are found", async () => {
  const ledger = new Ledger(SENDER, true);
  for (let n = 0; n < 10; n++) {
    ledger.sending(n, digestOf(textOf(SENDER, n)));
    ledger.acknowledge(n);
  }
  // 3 is lost, 5 changed, 7 doubled, 9 comes before 8; that 1 was sent again is none of these.
  const planted = [
    said(0),
    said(1),
    said(1),
    said(2),
    said(4),
    said(5, "5", textOf(SENDER, 5, "other")),
    said(6),
  ];
  for (const signal of [...planted, said(7), said(7, "another"), said(9), said(8)]) {
    await log.signals.append("ns", signal);
  }
  const place = { name: "the log", repeats: "as sent", senders: new Set([SENDER]) } as const;
  const truth = await readLog(servers.nats.url, "ns");
  expect(truth.signals).toBe(11);
  expect(completeness(place, [ledger], truth.said).map(({ what, detail }) => `${what}: ${detail}`)).toEqual([
    "lost: 1 acknowledged and not there: number 3",
    "changed: other content: number 5",
    "doubled: is there more than once: number 7",
    "out of order: came after a later one: number 8",
  ]);
});
