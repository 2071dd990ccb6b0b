import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { Outgoing } from "./outgoing.js";

function socket() {
  const sent: string[] = [];
  const own = {
    ...{ sent, readyState: 1, OPEN: 1, bufferedAmount: 0, ended: false },
    send: (frame: unknown) => void sent.push(String(frame)),
    terminate: () => {
      own.ended = true;
    },
  };
  return own;
}

describe("frames to a device", () => {
  it("wait for an answer that was promised, in the order of the promises", async () => {
    const webSocket = socket();
    const failures: unknown[] = [];
    const outgoing = new Outgoing(webSocket as never, (error) => failures.push(error));
    const [one, two, three] = [0, 1, 2].map(() => Promise.withResolvers<object>());
    outgoing.sendEncoded("0");
    outgoing.answerFirst("json", one?.promise ?? Promise.reject());
    outgoing.sendEncoded("4");
    outgoing.answerFirst("json", two?.promise ?? Promise.reject());
    outgoing.answerFirst("json", three?.promise ?? Promise.reject());
    outgoing.sendEncoded("5");
    two?.resolve({ ack: 2 });
    three?.reject(new Error("the log does not answer"));
    await Promise.resolve();
    expect(webSocket.sent).toEqual(["0"]);
    one?.resolve({ ack: 1 });
    await until("all are sent", () => webSocket.sent.length === 5);
    outgoing.sendEncoded("6");
    expect(webSocket.sent).toEqual(["0", '{"ack":1}', '{"ack":2}', "4", "5", "6"]);
    expect(failures).toHaveLength(1);
  });

  it("are not kept without end", () => {
    const webSocket = socket();
    const outgoing = new Outgoing(webSocket as never, () => undefined);
    webSocket.bufferedAmount = 2 ** 20;
    outgoing.sendEncoded("x");
    expect(webSocket.ended).toBe(true);
    const other = socket();
    const holding = new Outgoing(other as never, () => undefined);
    holding.answerFirst("json", new Promise(() => undefined));
    for (let i = 0; i < 1_000; i++) holding.sendEncoded("x");
    expect([other.ended, other.sent]).toEqual([true, []]);
  });
});
