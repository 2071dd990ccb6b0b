import { createHash, randomBytes } from "node:crypto";
import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { Duplex } from "node:stream";

const NO_BYTES = Buffer.alloc(0);
/** RFC 6455, section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
// RFC 6455, section 5.2.
const FINAL = 0x80;
const MASKED = 0x80;
const [CONTINUATION, BINARY, CLOSE, PING, PONG] = [0x0, 0x2, 0x8, 0x9, 0xa] as const;
/** Bytes of the longest control frame's payload (section 5.5). */
const CONTROL_BYTES = 125;
const [DONE, WRONG] = [1_000, 1_002] as const;

export interface OpenOptions {
  /** PEM certificates that are trusted instead of the system's. */
  readonly ca: string | undefined;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/** Connects by WebSocket (RFC 6455). Rejects with what keeps it from that. */
export function openWebSocket(uri: URL, { ca, signal }: OpenOptions): Promise<WebSocketStream> {
  const key = randomBytes(16).toString("base64");
  const url = new URL(uri);
  const isSecure = url.protocol === "wss:";
  url.protocol = isSecure ? "https:" : "http:";
  const headers = {
    ...{ connection: "Upgrade", upgrade: "websocket" },
    ...{ "sec-websocket-version": "13", "sec-websocket-key": key },
  };
  const { promise, resolve, reject } = Promise.withResolvers<WebSocketStream>();
  const request = isSecure
    ? requestSecure(url, { headers, agent: false, ...(ca !== undefined && { ca }) })
    : requestPlain(url, { headers, agent: false });
  const stop = () => request.destroy(new Error("no answer in time"));
  signal.addEventListener("abort", stop, { once: true });
  request.on("close", () => signal.removeEventListener("abort", stop));
  request.on("error", reject);
  request.on("response", ({ statusCode }) => {
    reject(new Error(`the platform answered ${statusCode}`));
    request.destroy();
  });
  request.on("upgrade", ({ headers: given }: IncomingMessage, socket, head) => {
    if (given["sec-websocket-accept"] === acceptOf(key)) resolve(new WebSocketStream(socket, head));
    else {
      socket.destroy();
      reject(new Error("the platform does not speak WebSocket"));
    }
  });
  request.end();
  return promise;
}

function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}${GUID}`).digest("base64");
}

/**
 * The bytes of a WebSocket's binary messages, one after the other, whatever message they came in. An empty message ends a
 * direction. Reads no more than is taken from it.
 */
export class WebSocketStream extends Duplex {
  /** The start of a frame whose rest has not come. */
  private partial: Buffer = NO_BYTES;
  /** Bytes of the message under way that are still to come. */
  private coming = 0;
  /** No bytes follow from there. */
  private allCame = false;
  private closeSent = false;

  constructor(
    private readonly socket: Duplex,
    head: Buffer,
  ) {
    super();
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => {
      if (!this.closeSent) this.destroy(new Error("the connection to the platform broke"));
    });
    if (head.length > 0) this.receive(head);
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.socket.write(frameOf(BINARY, chunk), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.write(frameOf(BINARY, NO_BYTES), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.sendClose(DONE);
    this.socket.end();
    this.socket.resume();
    done(error);
  }

  private receive(chunk: Buffer): void {
    let rest = this.partial.length === 0 ? chunk : Buffer.concat([this.partial, chunk]);
    while (rest.length > 0 && !this.destroyed) {
      const used = this.coming > 0 ? this.payload(rest) : this.frame(rest);
      if (used === 0) break;
      rest = rest.subarray(used);
    }
    this.partial = Buffer.from(rest);
  }

  private payload(bytes: Buffer): number {
    if (this.allCame) return this.wrong();
    const part = bytes.subarray(0, this.coming);
    this.coming -= part.length;
    if (!this.push(part)) this.socket.pause();
    return part.length;
  }

  /** Returns the bytes of the frame's head, or all of a control frame; 0: it is not whole yet. */
  private frame(bytes: Buffer): number {
    if (bytes.length < 2) return 0;
    const [first, second] = [bytes.readUInt8(0), bytes.readUInt8(1)];
    const opcode = first & 0x0f;
    // The platform masks nothing, has no extensions, and sends no text.
    if ((second & MASKED) !== 0 || (first & 0x70) !== 0) return this.wrong();
    const length = lengthIn(bytes, second);
    if (length === undefined) return 0;
    if (opcode === BINARY || opcode === CONTINUATION) {
      this.coming = length.payload;
      if (length.payload === 0 && first === (FINAL | BINARY)) this.noMore();
      return length.head;
    }
    if (length.payload > CONTROL_BYTES) return this.wrong();
    const whole = length.head + length.payload;
    if (bytes.length < whole) return 0;
    this.control(opcode, bytes.subarray(length.head, whole));
    return whole;
  }

  private control(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.socket.write(frameOf(PONG, Buffer.from(payload)));
    else if (opcode === CLOSE) this.closeFrame(payload);
    else if (opcode !== PONG) this.wrong();
  }

  /** What came before is still read. */
  private closeFrame(payload: Buffer): void {
    const code = payload.length < 2 ? DONE : payload.readUInt16BE(0);
    this.sendClose(code);
    if (code !== DONE) {
      this.destroy(new Error(`the platform ended it: ${payload.subarray(2).toString()} (${code})`));
    } else if (this.readableEnded) this.destroy();
    else {
      this.once("end", () => this.destroy());
      this.noMore();
    }
  }

  private noMore(): void {
    if (!this.allCame) this.push(null);
    this.allCame = true;
  }

  private wrong(): number {
    this.sendClose(WRONG);
    this.destroy(new Error("the platform sent what is no frame"));
    return 0;
  }

  private sendClose(code: number): void {
    if (this.closeSent) return;
    this.closeSent = true;
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.socket.write(frameOf(CLOSE, payload));
  }
}

/** undefined: it is not whole yet. */
function lengthIn(bytes: Buffer, second: number): { head: number; payload: number } | undefined {
  const short = second & 0x7f;
  if (short < 126) return { head: 2, payload: short };
  const head = short === 126 ? 4 : 10;
  if (bytes.length < head) return undefined;
  return { head, payload: short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)) };
}

/** What a client sends is masked (section 5.3). */
function frameOf(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const head = Buffer.from(
    payload.length < 126
      ? [FINAL | opcode, MASKED | payload.length]
      : [FINAL | opcode, MASKED | 127, 0, 0, 0, 0, 0, 0, 0, 0],
  );
  if (head.length > 2) head.writeBigUInt64BE(BigInt(payload.length), 2);
  const frame = Buffer.concat([head, mask, payload]);
  const start = head.length + 4;
  for (let i = 0; i < payload.length; i++) frame[start + i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0);
  return frame;
}
