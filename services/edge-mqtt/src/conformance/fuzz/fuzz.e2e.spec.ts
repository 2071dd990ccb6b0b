import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asTarget, type Fieldlog, startFieldlog } from "../fieldlog.fixture.js";
import type { Target } from "../suite.js";
import { u8, varint } from "../wire/bytes.js";
import { packetsOf } from "../wire/packets.js";
import { RawClient } from "../wire/raw-client.js";
import { SteadyClient } from "./steady-client.js";
import { type Stream, stream } from "./streams.js";

/** Another seed is another run; a failure names the one that it had. */
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_121);
const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 12);
/** Connections at once. */
const AT_ONCE = 12;
/** A round trip of the well-behaved client on a machine that the tests share. */
const BOUND_MS = 10_000;
/** Bytes that the process may have more of after everything than when it was warm. */
const GROWTH = 160 * 1024 * 1024;

describe(`edge-mqtt, whatever it is sent (seed ${SEED}, ${SECONDS} s)`, { retry: 0 }, () => {
  let fieldlog: Fieldlog;
  let target: Target;
  let steady: SteadyClient;

  beforeAll(async () => {
    fieldlog = await startFieldlog("fuzz");
    target = await asTarget(fieldlog);
    steady = await SteadyClient.start(target, target.writer);
  });
  afterAll(async () => {
    await steady?.stop();
    await fieldlog?.stop();
  });

  const edge = () => {
    const process = fieldlog.system.processes["edge-mqtt"];
    if (!process) throw new Error("no edge-mqtt");
    return process;
  };
  const resident = async () => {
    const status = await readFile(`/proc/${edge().pid}/status`, "utf8").catch(() => "");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  };

  it("lives on, serves its other clients, and keeps its memory", {
    timeout: (SECONDS + 90) * 1000,
  }, async () => {
    const pid = edge().pid;
    let before = 0;
    let runs = 0;
    const began = Date.now();
    await fc.assert(
      fc.asyncProperty(
        fc.array(stream(target.writer), { minLength: AT_ONCE / 2, maxLength: AT_ONCE }),
        async (streams: Stream[]) => {
          await Promise.all(streams.map((one) => play(target, one)));
          if (++runs === 10) before = await resident();
          if (steady.failure) throw new Error("the well-behaved client failed", { cause: steady.failure });
          expect(steady.slowestMs).toBeLessThan(BOUND_MS);
          expect(edge().pid).toBe(pid);
        },
      ),
      {
        seed: SEED,
        numRuns: 1_000_000,
        interruptAfterTimeLimit: SECONDS * 1000,
        markInterruptAsFailure: false,
        endOnFailure: true,
      },
    );
    const seconds = Math.round((Date.now() - began) / 1000);
    console.log(`fuzz: ${runs} runs in ${seconds} s; slowest round trip ${Math.round(steady.slowestMs)} ms`);
    const ready = await fetch(`${edge().url}/readyz`);
    expect(ready.status, await ready.text()).toBe(200);
    expect(await resident()).toBeLessThan(before + GROWTH);
    expect(edge().log()).not.toMatch(/unhandled|uncaught|TypeError|RangeError|ReferenceError/i);
  });

  it("gives no memory to what is only announced", async () => {
    const before = await resident();
    const sockets: Socket[] = [];
    for (let n = 0; n < 300; n++) {
      const socket = connect(target);
      socket.on("error", () => undefined);
      await once(socket, "connect");
      socket.write(Buffer.concat([u8(0x10), varint(280 * 1024), Buffer.alloc(10)]));
      sockets.push(socket);
    }
    await sleep(500);
    expect(await resident()).toBeLessThan(before + 48 * 1024 * 1024);
    for (const socket of sockets) socket.destroy();
    expect(steady.failure).toBeUndefined();
  });

  it("ends connections that never get as far as CONNECT", async () => {
    const socket = connect(target);
    socket.on("error", () => undefined);
    socket.resume();
    await once(socket, "connect");
    const closed = once(socket, "close");
    const began = Date.now();
    // A byte of a CONNECT now and then keeps nobody connected.
    const drip = setInterval(() => socket.write(u8(0)), 500);
    socket.write(Buffer.concat([u8(0x10), varint(200)]));
    await closed;
    clearInterval(drip);
    expect(Date.now() - began).toBeLessThan(60_000);
  });

  it("survives clients that do not read what they asked for", async () => {
    const before = await resident();
    const deaf: Socket[] = [];
    for (let n = 0; n < 5; n++) {
      const socket = connect(target);
      socket.on("error", () => undefined);
      await once(socket, "connect");
      const p = packetsOf(4);
      socket.write(
        Buffer.concat([
          p.connect({ clientId: `deaf-${n}`, ...target.writer }),
          p.subscribe(1, [{ filter: "flood" }]),
        ]),
      );
      await once(socket, "data");
      socket.pause();
      deaf.push(socket);
    }
    const talker = await RawClient.dial(target, 4);
    talker.send(talker.p.connect({ clientId: "talker", ...target.writer }));
    await talker.expect("connack");
    const payload = Buffer.alloc(100_000);
    for (let n = 0; n < 200; n++) await talker.publish({ topic: "flood", payload, qos: 1, id: 1 + n });
    talker.drop();
    expect(await resident()).toBeLessThan(before + GROWTH);
    for (const socket of deaf) socket.destroy();
    expect(steady.failure).toBeUndefined();
    expect(steady.slowestMs).toBeLessThan(BOUND_MS);
  });
});

/** Sends a stream to its end, or until the server has had enough of it. */
async function play(to: { host: string; port: number }, { chunks, leaves }: Stream): Promise<void> {
  const socket = connect(to);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => undefined);
  socket.resume();
  await Promise.race([once(socket, "connect").catch(() => undefined), closed]);
  for (const { bytes, pauseMs } of chunks) {
    if (socket.destroyed) break;
    socket.write(bytes);
    if (pauseMs > 0) await sleep(pauseMs);
  }
  if (leaves === "end") socket.end();
  if (leaves === "reset") socket.resetAndDestroy();
  await Promise.race([closed, sleep(30)]);
  socket.destroy();
}
