import type { World } from "../world.js";
import { count, duration } from "./text.js";

const BAR = 24;

/** How far long work is: a bar that is redrawn for a person, a line every ten seconds for a log. */
export class Progress {
  readonly #world: World;
  readonly #label: string;
  readonly #startedAt: number;
  #first: number | undefined;
  #lastLineAt: number;

  /** @param unit of what is counted */
  constructor(
    world: World,
    label: string,
    private readonly unit = "commits",
  ) {
    this.#world = world;
    this.#label = label;
    this.#startedAt = world.now();
    this.#lastLineAt = this.#startedAt;
  }

  show(done: number, total: number): void {
    const now = this.#world.now();
    this.#first ??= done;
    const line = progressLine(this.#label, done, total, done - this.#first, now - this.#startedAt, this.unit);
    if (this.#world.terminal) {
      this.#world.err(`\r\u001b[2K${line.slice(0, this.#world.width - 1)}`);
    } else if (now - this.#lastLineAt >= 10_000) {
      this.#lastLineAt = now;
      this.#world.err(`${line}\n`);
    }
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#world.terminal) this.#world.err("\r\u001b[2K");
  }
}

/** `advanced` in `elapsedMs` gives the time that is left. */
function progressLine(
  label: string,
  done: number,
  total: number,
  advanced: number,
  elapsedMs: number,
  unit = "commits",
): string {
  const share = total > 0 ? Math.min(1, done / total) : 1;
  const filled = Math.round(share * BAR);
  const bar = `${"█".repeat(filled)}${"░".repeat(BAR - filled)}`;
  const left = advanced > 0 && elapsedMs > 500 ? ((total - done) / advanced) * elapsedMs : undefined;
  const rest = left === undefined || share === 1 ? "" : `, ${duration(left)} left`;
  return `${label} ${bar} ${String(Math.floor(share * 100)).padStart(3)}%  ${count(done)} of ${count(total)} ${unit}${rest}`;
}
