import { InvalidArgumentError } from "commander";
import { CliError } from "../cli-error.js";
import type { World } from "../world.js";

/** Things of one page. */
const PAGE = 500;
/** Milliseconds between two looks for new ones. */
const LOOK_MS = 500;
/** Milliseconds between two attempts while the server is away. */
const AWAY_MS = 2_000;

/** Where in the log to begin: at its beginning, at its end, or behind a position. */
export type From = "beginning" | "now" | number;

export interface Page<T> {
  readonly items: readonly T[];
  /** Position behind which to go on. */
  readonly after: number;
  /** Whether there is more at once. */
  readonly more: boolean;
}

export interface Followed<T> {
  /** Position behind which to begin. */
  readonly after: number;
  /** Items to show; then it ends. */
  readonly limit: number;
  /** Whether to wait at the end for what is new. */
  readonly follow: boolean;
  pageAfter(after: number, limit: number): Promise<Page<T>>;
  show(item: T): void;
}

/**
 * Shows what stands in the log behind a position, page by page, and then what is new. Waits for a server that
 * goes away meanwhile; one that refuses at once, or for good, is no use.
 */
export async function follow<T>(followed: Followed<T>, world: World): Promise<void> {
  const pageAfter = (after: number) => followed.pageAfter(after, Math.min(PAGE, followed.limit - shown));
  let shown = 0;
  let after = followed.after;
  for (let first = true; ; first = false) {
    const page = first ? await pageAfter(after) : await patiently(() => pageAfter(after), world);
    for (const item of page.items) followed.show(item);
    shown += page.items.length;
    after = page.after;
    if (shown >= followed.limit) return;
    if (!page.more) {
      if (!followed.follow) return;
      await world.sleep(LOOK_MS);
    }
  }
}

/** Waits while the server is away or busy; another refusal is thrown. */
async function patiently<T>(work: () => Promise<T>, world: World): Promise<T> {
  for (let told = false; ; told = true) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CliError) || !isPassing(error.status)) throw error;
      if (!told) world.err(`${error.message}; waiting\n`);
      await world.sleep(AWAY_MS);
    }
  }
}

function isPassing(status: number | undefined): boolean {
  return status === undefined || status === 429 || status >= 500;
}

/** Reads what `--from` says. Raises InvalidArgumentError. */
export function place(text: string): From {
  if (text === "beginning" || text === "now") return text;
  const position = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(position)) throw new InvalidArgumentError("It is beginning, now, or a position.");
  return position;
}
