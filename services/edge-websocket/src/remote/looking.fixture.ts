import { WebSocket } from "ws";

/** A JPEG as far as anybody looks into it, of so many bytes, that tells which one it is. */
export function picture(n: number, bytes = 8): Buffer {
  const jpeg = Buffer.alloc(bytes);
  jpeg.writeUInt16BE(0xffd8);
  jpeg.writeUInt32BE(n, 2);
  jpeg.writeUInt16BE(0xffd9, bytes - 2);
  return jpeg;
}

/** One who looks at motion JPEG, as a browser's `<img>` does. */
export class Browser {
  readonly seen: number[] = [];
  ended = false;
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private rest = Buffer.alloc(0);

  static async at(url: string, key?: string): Promise<Browser> {
    const browser = new Browser();
    const response = await fetch(
      url,
      key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } },
    );
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    browser.reader = response.body?.getReader();
    void browser.read();
    return browser;
  }

  async leave(): Promise<void> {
    await this.reader?.cancel();
  }

  private async read(): Promise<void> {
    for (;;) {
      const part = await this.reader?.read();
      if (part === undefined || part.done) break;
      this.rest = Buffer.concat([this.rest, part.value]);
      this.take();
    }
    this.ended = true;
  }

  /** Parts as RFC 2046, 5.1 has them. */
  private take(): void {
    for (;;) {
      const head = /^--picture\r\ncontent-type: image\/jpeg\r\ncontent-length: (\d+)\r\n\r\n/.exec(
        this.rest.subarray(0, 120).toString("latin1"),
      );
      if (head === null) return;
      const [text, length] = head;
      const end = text.length + Number(length);
      if (this.rest.length < end + 2) return;
      this.seen.push(this.rest.readUInt32BE(text.length + 2));
      this.rest = this.rest.subarray(end + 2);
    }
  }
}

/** One who looks by WebSocket. */
export class Onlooker {
  readonly seen: number[] = [];
  closed: number | undefined;
  readonly socket: WebSocket;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on("message", (data: Buffer) => this.seen.push(data.readUInt32BE(2)));
    this.socket.on("error", () => undefined);
    this.socket.on("close", (code) => {
      this.closed = code;
    });
  }
}
