import { limits } from "@fieldlog/contracts";
import type { TunnelFrame } from "@fieldlog/remote";
import { describe, expect, it } from "vitest";
import { closings, reasonText } from "./closing.js";
import { type Over, TunnelEnd } from "./tunnel-end.js";

const WINDOW = limits.tunnelWindowBytes;
const NOW = 1_000;

/** One end, whose socket takes nothing until `flush`, and whose frames go to `frames`. */
function end(side: "operator" | "device") {
  const frames: TunnelFrame[] = [];
  const flushes: (() => void)[] = [];
  const written: number[] = [];
  const calls: string[] = [];
  const overs: Over[] = [];
  const note = (what: string) => () => void calls.push(what);
  const made = new TunnelEnd({
    ...{ side, now: () => NOW, send: (frame) => frames.push(frame), onOver: (over) => overs.push(over) },
    socket: {
      ...{ ping: note("ping"), pause: note("pause"), resume: note("resume"), terminate: note("terminate") },
      close: (code) => void calls.push(`close ${code}`),
      send: (data, _options, done) => {
        written.push(data.length);
        flushes.push(done);
      },
    },
  });
  const flush = () => {
    for (const done of flushes.splice(0)) done();
  };
  const sent = () => frames.reduce((sum, { data }) => sum + data.length, 0);
  return { end: made, frames, written, calls, overs, flush, sent };
}

const frame = (more: Partial<TunnelFrame>): TunnelFrame => ({
  ...{ sent: 0, taken: 0, data: new Uint8Array(), ended: false, closing: undefined },
  ...more,
});

describe("one end of a tunnel", () => {
  it("sends nothing before the other is there, then as much as that has room for, and holds its socket back", () => {
    const { end: one, calls, sent } = end("operator");
    one.message(Buffer.alloc(2 * WINDOW), true);
    expect([sent(), calls]).toEqual([0, ["pause"]]);
    one.begin();
    expect(sent()).toBe(WINDOW);
    one.frame(frame({ taken: 1_000 }));
    expect([sent(), calls]).toEqual([WINDOW + 1_000, ["pause"]]);
    one.frame(frame({ taken: WINDOW + 1_000 }));
    expect([sent(), calls]).toEqual([2 * WINDOW, ["pause", "resume"]]);
  });

  it("says what its socket has taken, not what it was given", () => {
    const { end: one, frames, flush } = end("device");
    one.begin();
    one.frame(frame({ data: new Uint8Array(WINDOW) }));
    one.tick(NOW + limits.tunnelBeatMs);
    expect(frames.at(-1)).toMatchObject({ taken: 0 });
    flush();
    expect(frames.at(-1)).toMatchObject({ taken: WINDOW });
  });

  it("ends where bytes were lost, here and there", () => {
    const { end: one, frames, overs, calls } = end("device");
    one.begin();
    one.frame(frame({ data: new Uint8Array(10) }));
    one.frame(frame({ sent: 20, data: new Uint8Array(10) }));
    expect([frames.at(-1)?.closing?.code, overs[0]?.code, calls]).toEqual([1_011, 1_011, ["close 1011"]]);
  });

  it("ends when both sides have ended and all is taken; the operator's end says so", () => {
    const { end: one, frames, overs, written, flush } = end("operator");
    one.begin();
    one.message(Buffer.from("abc"), true);
    one.message(Buffer.alloc(0), true);
    expect(frames.at(-1)).toMatchObject({ sent: 3, ended: true });
    one.frame(frame({ taken: 3, data: new Uint8Array(5) }));
    one.frame(frame({ sent: 5, taken: 3, ended: true }));
    expect([written, overs]).toEqual([[5, 0], []]);
    flush();
    expect(overs).toEqual([{ ...closings.bothEnded, sent: 3, taken: 5 }]);
  });

  it("still sends what a socket said before it closed", () => {
    const { end: one, frames, overs, sent } = end("device");
    one.begin();
    one.message(Buffer.alloc(WINDOW + 5), true);
    one.closed(1_000);
    expect(overs).toEqual([]);
    one.frame(frame({ taken: 10 }));
    expect([sent(), frames.at(-1)?.closing]).toMatchObject([WINDOW + 5, closings.done("device")]);
    expect(overs).toMatchObject([closings.done("device")]);
  });

  it("calls it an end of both sides where a socket closes after them", () => {
    const { end: one, frames, overs } = end("device");
    one.begin();
    one.frame(frame({ ended: true }));
    one.message(Buffer.alloc(0), true);
    one.closed(1_000);
    expect([frames.at(-1)?.closing, overs]).toMatchObject([closings.bothEnded, [closings.bothEnded]]);
  });

  it("gives its socket, and counts, what came before the other end closed; not for ever, nor after a failure", () => {
    const leaving = frame({ sent: 5, closing: closings.done("device") });
    const { end: one, overs, calls, flush } = end("operator");
    one.begin();
    one.frame(frame({ data: new Uint8Array(5) }));
    one.frame(leaving);
    one.message(Buffer.from("nobody takes it"), true);
    expect([overs, calls]).toEqual([[], []]);
    flush();
    expect([overs, calls]).toEqual([[{ ...closings.done("device"), sent: 0, taken: 5 }], ["close 1000"]]);

    const slow = end("operator");
    slow.end.begin();
    slow.end.frame(frame({ data: new Uint8Array(5) }));
    slow.end.frame(leaving);
    slow.end.tick(NOW + limits.tunnelLostMs);
    expect(slow.overs).toEqual([]);
    slow.end.tick(NOW + limits.tunnelLostMs + 1);
    expect(slow.overs).toEqual([{ ...closings.done("device"), sent: 0, taken: 0 }]);

    const failed = end("operator");
    failed.end.begin();
    failed.end.frame(frame({ data: new Uint8Array(5) }));
    failed.end.frame(frame({ sent: 5, closing: closings.broke("device") }));
    expect(failed.overs).toMatchObject([closings.broke("device")]);
  });

  it("takes bytes only, and none after the end", () => {
    for (const messages of [["text"], ["", "more"]]) {
      const { end: one, overs } = end("operator");
      one.begin();
      for (const text of messages) one.message(Buffer.from(text), messages.length > 1);
      expect(overs).toMatchObject([{ code: 1_003 }]);
    }
  });

  it("notices that the other end is lost, that nobody says anything, and that its socket is dead", () => {
    const lost = end("device");
    lost.end.begin();
    lost.end.tick(NOW + limits.tunnelLostMs + 1);
    expect(lost.overs).toMatchObject([closings.edgeLost]);

    const idle = end("operator");
    idle.end.begin();
    idle.end.frame(frame({ ended: true }));
    const heard = (now: number) => idle.end.tick(now);
    heard(NOW + 19_000);
    expect(idle.overs).toEqual([]);

    const dead = end("operator");
    dead.end.tick(NOW + 30_000);
    dead.end.pong();
    dead.end.tick(NOW + 60_000);
    dead.end.tick(NOW + 90_000);
    expect(dead.calls).toEqual(["ping", "ping", "terminate"]);
    dead.end.tick(NOW + limits.tunnelIdleMs + 1);
    expect(dead.overs).toMatchObject([closings.idle]);
  });
});

describe("a reason", () => {
  it("is cut to what a close frame takes, between two characters", () => {
    expect(reasonText("the device failed")).toBe("the device failed");
    const cut = reasonText("é".repeat(100));
    expect([Buffer.byteLength(cut), cut]).toEqual([122, "é".repeat(61)]);
  });
});
