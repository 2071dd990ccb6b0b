import { deviceKey, type KnownSubscription } from "@fieldlog/admission";
import type { Position } from "@fieldlog/contracts";
import type { CursorRecords, Held } from "@fieldlog/fan-out";
import type { Poll } from "./poll.js";

/** Milliseconds after its last question for which a poller still counts as connected. */
const IDLE_MS = 15_000;

interface Hold {
  readonly held: Held;
  /** The furthest position that an answer has told; who acknowledges it has been there. */
  told: Position;
  /** Those whose questions are not answered yet. */
  readonly asking: Set<Poll>;
  readonly idle: NodeJS.Timeout;
}

/**
 * The records of subscriptions that are polled here. They are kept between questions, so that one that comes
 * a moment later costs no write before it is answered.
 */
export class Polls {
  private readonly holds = new Map<string, Hold>();

  constructor(
    private readonly records: Pick<CursorRecords, "acquire">,
    private readonly holder: string,
  ) {}

  /** Raises LogUnavailable. */
  async of({ namespace, id, after }: KnownSubscription): Promise<Hold> {
    const name = deviceKey(namespace, id);
    const there = this.holds.get(name);
    if (there !== undefined) {
      there.idle.refresh();
      return there;
    }
    const { holder } = this;
    const held = await this.records.acquire(namespace, id, { holder, via: "poll", startAfter: after });
    const forget = () => {
      clearTimeout(hold.idle);
      if (this.holds.get(name) === hold) this.holds.delete(name);
    };
    const onIdle = () => {
      if (hold.asking.size > 0) return void hold.idle.refresh();
      forget();
      void held.release();
    };
    const idle = setTimeout(onIdle, IDLE_MS).unref();
    const hold: Hold = { held, told: held.record.position, asking: new Set(), idle };
    held.onLost(() => {
      forget();
      for (const poll of hold.asking) poll.end("taken over");
    });
    // Of two that came at once the later one has the record; the other one has lost it.
    this.holds.set(name, hold);
    return hold;
  }

  /** What is held is released by who opened the records. */
  stop(): void {
    for (const { idle } of this.holds.values()) clearTimeout(idle);
    this.holds.clear();
  }
}
