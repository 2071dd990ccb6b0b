import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Fillable } from "../schedule/perform.js";

/** Room that is left, in bytes: some small commits still fit, then none. */
const ROOM = 2_048;
const RETRY_MS = 300;

/** Lets a stream take hardly any more, as a quota that is used up, and lifts that again. */
export class Quota implements Fillable {
  constructor(private readonly natsUrl: string) {}

  async fill(stream: string): Promise<void> {
    // While NATS is away it is as full as can be.
    await this.limit(stream, (bytes) => bytes + ROOM).catch(() => undefined);
  }

  async empty(stream: string): Promise<void> {
    for (;;) {
      try {
        return await this.limit(stream, () => -1);
      } catch {
        await sleep(RETRY_MS);
      }
    }
  }

  private async limit(stream: string, maxBytes: (bytes: number) => number): Promise<void> {
    const urls = this.natsUrl.split(",").map((url) => new URL(url));
    const { username: user = "", password: pass = "" } = urls[0] ?? {};
    const nc = await connect({ servers: urls.map(({ host }) => host), user, pass, timeout: 3_000 });
    try {
      const jsm = await jetstreamManager(nc, { timeout: 3_000 });
      const { state } = await jsm.streams.info(stream);
      await jsm.streams.update(stream, { max_bytes: maxBytes(state.bytes) });
    } finally {
      await nc.close();
    }
  }
}
