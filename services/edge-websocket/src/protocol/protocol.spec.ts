import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { limits } from "@fieldlog/contracts";
import { LoggedEvent } from "@fieldlog/events";
import { encode } from "cborg";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { decodeMessage, type Encoding, encodeMessage, Undecodable } from "./codec.js";
import { eventFrame, messageFrame } from "./frames.js";
import { InvalidMessage, parseMessage } from "./messages.js";

const encodings: Encoding[] = ["json", "cbor"];

describe("frames", () => {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  let client: WebSocket;
  let write: (frame: Buffer) => void;

  beforeAll(async () => {
    // As the door does: the handshake by ws, frames of our own beside it.
    server.on("upgrade", (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, () => {
        write = (frame) => void socket.write(frame);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await once(client, "open");
  });
  afterAll(() => {
    client.terminate();
    server.close();
  });

  it.each(encodings)("of any length are understood by a client, in %s", async (encoding) => {
    for (const length of [0, 50, 100, 200, 60_000, 70_000, 250_000]) {
      const message = { type: "event", text: "ü".repeat(length) };
      const came = once(client, "message");
      write(messageFrame(encoding, message));
      const [data, isBinary] = (await came) as [Buffer, boolean];
      expect(isBinary).toBe(encoding === "cbor");
      expect(decodeMessage(encoding, data, isBinary)).toEqual(message);
    }
  });

  it.each(encodings)("of an event are made once, in %s", async (encoding) => {
    const event = new LoggedEvent(4_096, { id: "n", name: "default" }, new Uint8Array());
    const came = once(client, "message");
    write(eventFrame(encoding, event));
    const [data, isBinary] = (await came) as [Buffer, boolean];
    expect(decodeMessage(encoding, data, isBinary)).toMatchObject({
      type: "event",
      event: { specversion: "1.0", id: "4096", position: 4_096 },
    });
    expect(eventFrame(encoding, event)).toBe(eventFrame(encoding, event));
  });
});

describe("messages", () => {
  it.each(encodings)("are decoded, or told to be none, in %s", (encoding) => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.json().map(Buffer.from),
      fc.jsonValue().map((v) => encode(v)),
    );
    fc.assert(
      fc.property(any, (data) => {
        try {
          decodeMessage(encoding, Buffer.from(data), encoding === "cbor");
          return true;
        } catch (error) {
          return error instanceof Undecodable;
        }
      }),
      { numRuns: 1_000 },
    );
    const message = { type: "ack", position: 2 ** 52 };
    expect(decodeMessage(encoding, encodeMessage(encoding, message), encoding === "cbor")).toEqual(message);
    expect(() => decodeMessage(encoding, Buffer.from("{}"), encoding === "json")).toThrow(Undecodable);
  });

  it("are what they may be, or refused with the field", () => {
    const wrong: [unknown, string][] = [
      [{ type: "subscribe", filters: [] }, "filters"],
      [{ type: "subscribe", filter: { names: [7] } }, "filter"],
      [
        { type: "subscribe", filters: [{}, { conditions: [{ field: "value", op: "~", value: 1 }] }] },
        "filters.1",
      ],
      [{ type: "subscribe", from: -1 }, "from"],
      [{ type: "subscribe", credit: limits.subscriberCredit + 1 }, "credit"],
      [{ type: "subscribe", extra: 1 }, ""],
      [{ type: "ack" }, "position"],
      [{ type: "ack", position: 1.5 }, "position"],
      [{ type: "ack", position: 2 ** 60 }, "position"],
      [{ type: "publish", event: {}, ref: {} }, "ref"],
      [null, ""],
    ];
    for (const [message, field] of wrong) {
      let refused = "";
      try {
        parseMessage(message);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidMessage);
        refused = (error as InvalidMessage).field;
      }
      expect([message, refused.startsWith(field)]).toEqual([message, true]);
    }
    expect(() => parseMessage({ type: "subscribe", filter: {}, subscription: "x" })).toThrow(/one of/);
    expect(parseMessage({ type: "subscribe" })).toMatchObject({ to: { filters: [{}] }, from: undefined });
    expect(parseMessage({ type: "publish", ref: 1, event: { nam: 1 } })).toMatchObject({
      event: { field: "nam" },
    });
  });

  it("raise nothing else, whatever they are", () => {
    const types = fc.constantFrom("subscribe", "ack", "credit", "publish", "ping", "other");
    const names = fc.constantFrom(
      "filter",
      "filters",
      "from",
      "credit",
      "position",
      "event",
      "ref",
      "key",
      "namespace",
    );
    const message = fc.tuple(types, fc.dictionary(names, fc.jsonValue({ maxDepth: 3 })));
    fc.assert(
      fc.property(message, ([type, fields]) => {
        try {
          return parseMessage({ ...fields, type }).type === type;
        } catch (error) {
          return error instanceof InvalidMessage;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
