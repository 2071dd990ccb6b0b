import { limits, WRONG_CODES } from "@fieldlog/contracts";
import { type EventLog, RecordBucket, RecordConflict, type RecordKey } from "@fieldlog/event-log";
import { TooManyWrongCodes } from "../../decisions/refusals.js";

/** When the wrong ones of the window were tried, the oldest first: ms since 1970 UTC. */
type Times = readonly number[];

/**
 * Counts the wrong verification codes of each asker for all replicas together, so that none can be guessed. Without
 * the bucket in which they are counted nobody tries any.
 */
export class WrongCodes {
  /** By asker: the last of those who wait to be counted here, and how many do. */
  private readonly turns = new Map<string, { last: Promise<unknown>; waiting: number }>();

  private constructor(
    private readonly bucket: RecordBucket<Times>,
    private readonly now: () => number,
  ) {}

  /** @param now ms since 1970 UTC */
  static async open(
    connection: EventLog["connection"],
    replicas: number,
    now: () => number,
  ): Promise<WrongCodes> {
    const bucket = await RecordBucket.open<Times>(connection, {
      ...{ name: WRONG_CODES, replicas, ttlMs: limits.wrongCodesMs },
      encode: (times) => Buffer.from(times.join()),
      decode: (data) => decoded(Buffer.from(data).toString()),
    });
    return new WrongCodes(bucket, now);
  }

  /**
   * Counts a try as wrong until it is known to be right, so that many at once are not more than many one by one.
   *
   * @returns to be called if it was right; if that fails, it stays counted
   * @throws TooManyWrongCodes, LogUnavailable
   */
  async begin(asker: RecordKey): Promise<() => Promise<void>> {
    const time = this.now();
    await this.inTurn(asker, (times) => {
      const oldest = times.at(-limits.wrongCodes);
      if (oldest === undefined) return [...times, time];
      throw new TooManyWrongCodes(Math.ceil((oldest + limits.wrongCodesMs - time) / 1_000));
    });
    return () => this.inTurn(asker, (times) => without(times, time)).catch(() => undefined);
  }

  /** One after the other, so that only other replicas are in the way. Of more than may try at all nobody waits. */
  private async inTurn(asker: RecordKey, to: (times: Times) => Times): Promise<void> {
    const key = `${asker.namespace}/${asker.id}`;
    const turn = this.turns.get(key) ?? { last: Promise.resolve(), waiting: 0 };
    if (turn.waiting > 2 * limits.wrongCodes) throw new TooManyWrongCodes(1);
    this.turns.set(key, turn);
    turn.waiting++;
    const own = turn.last.then(() => this.change(asker, to));
    turn.last = own.catch(() => undefined);
    try {
      await own;
    } finally {
      turn.waiting--;
      if (turn.waiting === 0) this.turns.delete(key);
    }
  }

  private async change(asker: RecordKey, to: (times: Times) => Times): Promise<void> {
    // Of those who write at once one succeeds: after so many rounds as many have as may try.
    for (let round = 0; round <= limits.wrongCodes; round++) {
      const stored = await this.bucket.get(asker);
      const since = this.now() - limits.wrongCodesMs;
      const times = to((stored?.record ?? []).filter((time) => time > since));
      try {
        await this.bucket.write(asker, times, stored?.revision ?? 0);
        return;
      } catch (error) {
        if (!(error instanceof RecordConflict)) throw error;
      }
    }
    throw new TooManyWrongCodes(1);
  }
}

function without(times: Times, time: number): Times {
  const at = times.indexOf(time);
  return at < 0 ? times : times.toSpliced(at, 1);
}

function decoded(text: string): Times {
  const times = text === "" ? [] : text.split(",").map(Number);
  if (!times.every(Number.isSafeInteger)) throw new TypeError("no times");
  return times;
}
