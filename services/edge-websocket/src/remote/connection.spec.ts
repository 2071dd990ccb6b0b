import { EventEmitter } from "node:events";
import { limits } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { RpcError } from "@fieldlog/rpc";
import { until } from "@fieldlog/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RemoteConnection, type SessionParts } from "./connection.js";
import type { DeviceSession } from "./feature.js";
import { PresenceUnknown } from "./presence.js";

/** A socket to a device, without a network. */
class Socket extends EventEmitter {
  readonly sent: string[] = [];
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  pings = 0;
  closed: number | undefined;
  send(frame: string | Uint8Array): void {
    this.sent.push(Buffer.from(frame as Uint8Array).toString("latin1"));
  }
  close(code: number): void {
    this.closed = code;
    this.readyState = 3;
    this.emit("close");
  }
  terminate(): void {
    this.close(1006);
  }
  ping(): void {
    this.pings++;
  }
  pause(): void {}
  resume(): void {}
  say(message: unknown): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    this.emit("message", Buffer.from(text), false);
  }
}

/** Strangers and devices of an edge whose services answer at once. */
function edge(faults: { keys?: Error; ensure?: Error; log?: Error; enter?: Error; disabled?: boolean } = {}) {
  const heartbeats: string[] = [];
  const sessions: DeviceSession[] = [];
  const warned: unknown[] = [];
  const hellos: string[] = [];
  const key = { id: "k", permission: "write", namespace: "n", expiresAt: undefined, budget: {} };
  const clock = { now: 1_000_000 };
  const fail = async <T>(error: Error | undefined, value?: T) => {
    if (error) throw error;
    return value;
  };
  const parts = {
    known: {
      keys: { get: () => fail(faults.keys, key) },
      namespaces: { get: async (id: string) => ({ id, name: id, disabled: faults.disabled === true }) },
    },
    devices: { ensureDevice: () => fail(faults.ensure) },
    log: {
      signals: {
        append: async (_: string, bytes: Uint8Array) => {
          await fail(faults.log);
          heartbeats.push(/restart|quit/.exec(Buffer.from(bytes).toString("latin1"))?.[0] ?? "");
        },
      },
    },
    presence: { enter: () => fail(faults.enter, () => undefined) },
    open: { room: () => "yes", add: () => undefined, delete: () => undefined },
    strangers: new Set<RemoteConnection>(),
    features: [
      (session: DeviceSession) => {
        sessions.push(session);
        return { keys: ["x"], received: () => session.send({ x: "heard" }) };
      },
    ],
    signIns: { acquire: async () => () => undefined },
    logger: {
      warn: (fields: unknown) => warned.push(fields),
      error: (fields: unknown) => warned.push(fields),
    },
    hellos: { inc: ({ outcome }: { outcome: string }) => hellos.push(outcome) },
    now: () => clock.now,
  } as unknown as SessionParts;
  const socket = new Socket();
  const connection = new RemoteConnection(parts, socket as never, new EventEmitter() as never);
  /** As the edge does once a second. */
  const pass = (ms: number) => {
    for (const end = clock.now + ms; clock.now < end; ) {
      clock.now += 1_000;
      connection.tick(clock.now);
    }
  };
  return { socket, connection, pass, heartbeats, sessions, warned, hellos, faults };
}

const hello = {
  ...{ version: 3, apiKey: "ei_", deviceId: "d", deviceType: "BOARD", connection: "ip", sensors: [] },
};

describe("a stranger", () => {
  it("may take nearly a minute to say hello (rule 12), and no longer", async () => {
    const { socket, pass } = edge();
    pass(limits.remoteHelloMs - 1_000);
    socket.say({ hello });
    await until("it is let in", () => socket.sent.length === 1);
    expect(socket.sent).toEqual(['{"hello":true}']);
    const silent = edge();
    silent.pass(limits.remoteHelloMs);
    expect(silent.socket.closed).toBe(1008);
  });

  it("that is refused is closed when it does not go by itself (rule 11)", async () => {
    const { socket, pass } = edge();
    socket.say({ hello: { ...hello, version: 5 } });
    await until("it is told", () => socket.sent.length === 1);
    socket.say({ hello });
    pass(9_000);
    expect([socket.closed, socket.sent.length]).toEqual([undefined, 1]);
    pass(1_000);
    expect(socket.closed).toBe(4401);
  });

  it("is sent away to come again while its project is disabled", async () => {
    const { socket, hellos } = edge({ disabled: true });
    socket.say({ hello });
    await until("it is closed", () => socket.closed === 1013);
    expect([socket.sent, hellos]).toEqual([[], ["later"]]);
  });

  it("is sent away to come again where a service does not answer: refused, it would never come back", async () => {
    const away = new RpcError("unavailable", "auth is away");
    for (const faults of [{ keys: away }, { ensure: away }, { enter: new PresenceUnknown("NATS is away") }]) {
      const { socket, warned, hellos } = edge(faults);
      socket.say({ hello });
      await until("it is closed", () => socket.closed === 1013);
      expect([socket.sent, warned, hellos]).toEqual([[], [], ["later"]]);
    }
    const { socket } = edge({ ensure: new RpcError("resource_exhausted", "too many devices") });
    socket.say({ hello });
    await until("it is told", () => socket.sent.length === 1);
    expect(socket.sent).toEqual(['{"hello":false,"err":"too many devices"}']);
  });

  it("is not looked up who has gone meanwhile", async () => {
    const { socket, hellos, heartbeats, sessions } = edge();
    socket.say({ hello });
    socket.close(1000);
    await new Promise((resolve) => setImmediate(resolve));
    expect([socket.sent, hellos, heartbeats, sessions]).toEqual([[], [], [], []]);
  });

  it("is told nothing before the answer to hello, and what it says meanwhile is heard after it (rule 2)", async () => {
    const { socket } = edge();
    socket.say("ping");
    socket.say({ hello });
    socket.say("ping");
    socket.say({ x: 1 });
    socket.say("{");
    expect(socket.sent).toEqual([]);
    await until("all is answered", () => socket.sent.length === 4);
    expect(socket.sent.slice(0, 3)).toEqual(['{"hello":true}', "pong", '{"x":"heard"}']);
  });
});

describe("a device that is there", () => {
  it("has a heartbeat each five minutes, and is pinged; it has gone when it does not answer", async () => {
    const { socket, pass, heartbeats } = edge();
    socket.say({ hello });
    await until("it is told", () => heartbeats.length === 1);
    for (let s = 0; s < 600; s += 20) {
      pass(20_000);
      socket.emit("pong");
    }
    await until("three are told", () => heartbeats.length === 3);
    expect(socket.pings).toBe(30);
    pass(3 * limits.remotePingMs);
    expect(socket.closed).toBe(1006);
    await until("its end is told", () => heartbeats.length === 4);
    expect(heartbeats).toEqual(["restart", "", "", "quit"]);
  });

  it("is told of as soon as the log takes it, and not at its end where it never did", async () => {
    const one = edge({ log: new LogUnavailable("away") });
    one.socket.say({ hello });
    await until("it is let in", () => one.socket.sent.length === 1);
    one.pass(2_000);
    delete one.faults.log;
    await until("it was tried again", () => {
      one.pass(1_000);
      return one.heartbeats.length === 1;
    });
    const other = edge({ log: new LogUnavailable("away") });
    other.socket.say({ hello });
    await until("it is let in", () => other.socket.sent.length === 1);
    delete other.faults.log;
    other.socket.close(1000);
    expect([one.heartbeats, other.heartbeats]).toEqual([["restart"], []]);
  });

  it("is not said to quit when the server stops", async () => {
    const { socket, connection, heartbeats } = edge();
    socket.say({ hello });
    await until("it is told", () => heartbeats.length === 1);
    connection.end("stopping");
    expect(socket.closed).toBe(1001);
    await until("nothing more", () => heartbeats.length === 1);
  });

  it("may say so much and no more", async () => {
    const { socket } = edge();
    socket.say({ hello });
    await until("it is let in", () => socket.sent.length === 1);
    for (let i = 0; i < 3_000; i++) socket.say({ unknown: i });
    expect(socket.closed).toBe(1008);
  });
});

describe("whatever a client sends", () => {
  const anything = fc.oneof(
    { arbitrary: fc.record({ hello: fc.oneof(fc.constant(hello), fc.jsonValue()) }), weight: 2 },
    fc.dictionary(fc.constantFrom("hello", "x", "sample", "err", "__proto__"), fc.jsonValue()),
    fc.jsonValue(),
    fc.string(),
    fc.constant("ping"),
    fc.uint8Array({ maxLength: 64 }),
  );

  it("it is answered or closed, and hello at most once, before anything else that is no error", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { maxLength: 20 }), async (frames) => {
        const { socket, warned } = edge();
        for (const frame of frames) {
          if (frame instanceof Uint8Array) socket.emit("message", Buffer.from(frame), true);
          else socket.say(frame);
          await Promise.resolve();
        }
        await new Promise((resolve) => setImmediate(resolve));
        const sent = socket.sent.filter((frame) => !frame.includes("err"));
        expect(sent.filter((frame) => frame.includes("hello")).length).toBeLessThanOrEqual(1);
        if (sent.length > 0) expect(sent[0]).toContain("hello");
        expect([warned, socket.closed]).toEqual([[], undefined]);
      }),
    );
  });
});
