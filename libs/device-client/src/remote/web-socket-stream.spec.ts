import { type Duplex, duplexPair } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WebSocketStream } from "./web-socket-stream.js";

const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0x0, 0x1, 0x2, 0x8, 0x9, 0xa];

/** A frame as the platform sends it (RFC 6455, section 5.2). */
function frame(opcode: number, payload: Buffer | string, isFinal = true): Buffer {
  const bytes = Buffer.from(payload);
  const head = Buffer.from([(isFinal ? 0x80 : 0) | opcode, Math.min(bytes.length, 126)]);
  const length = Buffer.alloc(bytes.length < 126 ? 0 : 2);
  if (length.length > 0) length.writeUInt16BE(bytes.length);
  return Buffer.concat([head, length, bytes]);
}

/** What the device has sent, unmasked. */
function framesIn(sent: Buffer): { opcode: number; payload: Buffer }[] {
  const frames: { opcode: number; payload: Buffer }[] = [];
  for (let at = 0; at < sent.length; ) {
    const [first, second] = [sent.readUInt8(at), sent.readUInt8(at + 1)];
    expect(second & 0x80).toBe(0x80);
    const isShort = (second & 0x7f) < 126;
    const length = isShort ? second & 0x7f : Number(sent.readBigUInt64BE(at + 2));
    const mask = at + (isShort ? 2 : 10);
    const payload = Buffer.from(sent.subarray(mask + 4, mask + 4 + length));
    for (const [i, byte] of payload.entries()) payload[i] = byte ^ sent.readUInt8(mask + (i & 3));
    frames.push({ opcode: first & 0x0f, payload });
    at = mask + 4 + length;
  }
  return frames;
}

function opened() {
  const [socket, platform] = duplexPair() as [Duplex, Duplex];
  const sent: Buffer[] = [];
  platform.on("data", (chunk: Buffer) => sent.push(chunk));
  const stream = new WebSocketStream(socket, Buffer.alloc(0));
  const failures: string[] = [];
  stream.on("error", ({ message }) => failures.push(message));
  const closed = new Promise<void>((resolve) => stream.on("close", resolve));
  return { stream, socket, platform, failures, closed, frames: () => framesIn(Buffer.concat(sent)) };
}

async function read(stream: WebSocketStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}

describe("the bytes of a WebSocket", () => {
  it("come in their order, however they were cut, until an empty message", async () => {
    const { stream, platform } = opened();
    const bytes = Buffer.concat([
      ...[frame(BINARY, "a"), frame(BINARY, "b", false), frame(PING, "?"), frame(CONTINUATION, "c")],
      ...[frame(BINARY, "d".repeat(1_000)), frame(BINARY, "")],
    ]);
    for (const byte of bytes) platform.write(Buffer.from([byte]));
    stream.end();
    expect(await read(stream)).toBe(`abc${"d".repeat(1_000)}`);
  });

  it("go out masked; pings are answered, and the end is an empty message and a close", async () => {
    const { stream, platform, closed, frames } = opened();
    stream.write("hello");
    stream.write(Buffer.alloc(70_000, "x"));
    platform.write(frame(PING, "are you there"));
    platform.write(frame(BINARY, ""));
    stream.resume();
    await new Promise((resolve) => stream.once("end", resolve));
    stream.end();
    await closed;
    const all = frames();
    const told = (wanted: number) =>
      all.filter(({ opcode }) => opcode === wanted).map(({ payload }) => payload);
    expect(told(BINARY).map(({ length }) => length)).toEqual([5, 70_000, 0]);
    expect(told(PONG).map(String)).toEqual(["are you there"]);
    expect([all.at(-1)?.opcode, told(CLOSE).map((payload) => payload.readUInt16BE())]).toEqual([
      CLOSE,
      [1_000],
    ]);
  });

  it("end as the platform says: in order, or with its reason", async () => {
    const done = opened();
    done.platform.write(Buffer.concat([frame(BINARY, "last"), frame(CLOSE, Buffer.from([0x03, 0xe8]))]));
    expect(await read(done.stream)).toBe("last");
    expect(done.failures).toEqual([]);
    const bad = opened();
    const reason = Buffer.concat([Buffer.from([0x11, 0x47]), Buffer.from("the namespace is disabled")]);
    bad.platform.write(frame(CLOSE, reason));
    await bad.closed;
    expect(bad.failures).toEqual(["the platform ended it: the namespace is disabled (4423)"]);
  });

  it("are no more once the platform sends what is no frame, or breaks off", async () => {
    const wrong = [
      frame(TEXT, "text"),
      frame(PING, "x".repeat(126)),
      Buffer.from([0x82, 0x81, 0, 0, 0, 0, 0]),
      Buffer.from([0xf2, 0x01, 0]),
      Buffer.concat([frame(BINARY, ""), frame(BINARY, "after the end")]),
    ];
    for (const bytes of wrong) {
      const { stream, platform, failures, closed } = opened();
      platform.write(bytes);
      stream.resume();
      await closed;
      expect(failures).toEqual(["the platform sent what is no frame"]);
    }
    const broken = opened();
    broken.socket.destroy();
    await broken.closed;
    expect(broken.failures).toEqual(["the connection to the platform broke"]);
  });

  it("are held back while nobody reads", async () => {
    const { stream, platform } = opened();
    const whole = frame(BINARY, Buffer.alloc(60_000, "x"));
    let written = 0;
    for (let isHeld = false; !isHeld && written < 100; written++) {
      const drained = new Promise((resolve) => platform.once("drain", () => resolve(false)));
      const waited = sleep(20, true);
      isHeld = !platform.write(whole) && Boolean(await Promise.race([drained, waited]));
    }
    expect(written).toBeLessThan(10);
    platform.write(frame(BINARY, ""));
    stream.end();
    expect((await read(stream)).length).toBe(written * 60_000);
  });
});
