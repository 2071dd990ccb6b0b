import { create, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { PATIENCE_MS, Sender } from "./sender.js";

const { SUCCESS, INVALID_REQUEST } = saf.StatusMessage_StatusType;

function answer(httpStatus: number, type: saf.StatusMessage_StatusType, headers = {}): Response {
  const body = toBinary(saf.GenericResponseSchema, create(saf.GenericResponseSchema, { status: { type } }));
  return new Response(Buffer.from(body), { status: httpStatus, headers });
}

/** A sender whose server answers from a list, and whose pauses take no time but count. */
function senderWith(answers: (Response | Error)[], concurrency = 4) {
  const bodies: Uint8Array[] = [];
  const pauses: number[] = [];
  let time = 0;
  const sender = new Sender({
    url: "http://edge",
    namespace: "default",
    concurrency,
    now: () => time,
    sleep: async (ms) => {
      pauses.push(ms);
      time += ms;
    },
    fetch: async (_url, init) => {
      bodies.push(init.body as Uint8Array);
      const next = answers.length > 1 ? answers.shift() : answers[0];
      if (next instanceof Response) return next.clone();
      throw next;
    },
  });
  return { sender, bodies, pauses };
}

const message = new Uint8Array([1, 2, 3]);

describe("Sender", () => {
  it("lets go of what is under way when it is cut off, and sends nothing more", async () => {
    const [stop, cut] = [new AbortController(), new AbortController()];
    let asked = 0;
    const sender = new Sender({
      ...{ url: "http://edge", namespace: "default", concurrency: 1, signal: stop.signal, cut: cut.signal },
      // A server that is gone: nothing comes back.
      fetch: (_url, { signal }) =>
        new Promise((_, reject) => {
          asked++;
          if (signal?.aborted) reject(signal.reason);
          signal?.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    const outcomes = Promise.all([1, 2, 3].map(() => sender.deliver("heartbeat", message)));
    stop.abort();
    cut.abort();
    expect((await outcomes).map(({ kind }) => kind)).toEqual(["unanswered", "unanswered", "unanswered"]);
    expect(asked).toBe(3);
  });

  it("sends the very same bytes again after a lost answer", async () => {
    const { sender, bodies } = senderWith([
      new Error("socket hang up"),
      new Error("timeout"),
      answer(200, SUCCESS),
    ]);
    expect((await sender.deliver("event/1", message)).kind).toBe("accepted");
    expect(bodies).toEqual([message, message, message]);
  });

  it("waits at least as long as a 503 asks for", async () => {
    const busy = answer(503, saf.StatusMessage_StatusType.DATASTORE_ERROR, { "retry-after": "3" });
    const { sender, pauses } = senderWith([busy, answer(200, SUCCESS)]);
    expect((await sender.deliver("event/1", message)).kind).toBe("accepted");
    expect(pauses).toHaveLength(1);
    expect(pauses[0]).toBeGreaterThanOrEqual(3_000);
  });

  it("does not repeat what was refused", async () => {
    const { sender, bodies } = senderWith([answer(400, INVALID_REQUEST)]);
    expect(await sender.deliver("event/1", message)).toMatchObject({
      kind: "refused",
      type: INVALID_REQUEST,
    });
    expect(bodies).toHaveLength(1);
  });

  it("takes a 200 without CSN's success for a refusal", async () => {
    const { sender } = senderWith([new Response("hello", { status: 200 })]);
    expect((await sender.deliver("event/1", message)).kind).toBe("refused");
  });

  it("stops repeating while the signature is still good, with growing pauses", async () => {
    const { sender, pauses } = senderWith([new Error("down")]);
    expect((await sender.deliver("event/1", message)).kind).toBe("unanswered");
    const waited = pauses.reduce((sum, pause) => sum + pause, 0);
    expect(waited).toBeLessThanOrEqual(PATIENCE_MS);
    expect(pauses.at(-1)).toBeGreaterThan(pauses[0] as number);
  });

  it("has no more requests under way than it may", async () => {
    let [underWay, most] = [0, 0];
    const sender = new Sender({
      url: "http://edge",
      namespace: "default",
      concurrency: 3,
      fetch: async () => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setTimeout(resolve, 2));
        underWay--;
        return answer(200, SUCCESS);
      },
    });
    await Promise.all(Array.from({ length: 20 }, () => sender.deliver("event/1", message)));
    expect(most).toBe(3);
  });
});
