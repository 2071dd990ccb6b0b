import type { ServerResponse } from "node:http";
import { limits } from "@fieldlog/contracts";
import { NewestPicture, type Viewer } from "@fieldlog/remote";

const BOUNDARY = "picture";
const PART = `--${BOUNDARY}\r\n`;
const MEDIA_TYPE = `multipart/x-mixed-replace; boundary=${BOUNDARY}`;
/** Milliseconds that one who is told that it is over has to take what was written. */
const LINGER_MS = 1_000;

/**
 * Pictures as a browser's `<img>` shows them, each in the place of the one before: motion JPEG. The boundary behind a
 * picture is written with it, since a browser shows it no sooner.
 */
export class PictureStream implements Viewer {
  private readonly newest: NewestPicture;
  /** When it was given what it has not taken yet; ms since 1970 UTC. */
  private givenAt: number | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly now: () => number,
  ) {
    this.newest = new NewestPicture((jpeg) => this.write(jpeg));
    response.on("drain", () => {
      this.givenAt = undefined;
      this.newest.taken();
    });
  }

  begin(): void {
    this.response.writeHead(200, {
      "content-type": MEDIA_TYPE,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      // Proxies that hold answers back until they are whole would hold back this one for ever.
      "x-accel-buffering": "no",
    });
    this.response.write(PART);
  }

  show(jpeg: Uint8Array): void {
    this.newest.offer(jpeg);
  }

  ended(): void {
    const { response } = this;
    response.end();
    setTimeout(() => response.destroy(), LINGER_MS).unref();
  }

  /** Who takes nothing for too long is cut off, so that no camera runs for him. */
  tick(now: number): void {
    if (this.givenAt !== undefined && now - this.givenAt >= limits.uploadIdleMs) this.response.destroy();
  }

  private write(jpeg: Uint8Array): boolean {
    const { response } = this;
    if (response.destroyed || response.writableEnded) return false;
    response.write(`content-type: image/jpeg\r\ncontent-length: ${jpeg.length}\r\n\r\n`);
    response.write(jpeg);
    const takesMore = response.write(`\r\n${PART}`);
    if (!takesMore) this.givenAt = this.now();
    return takesMore;
  }
}
