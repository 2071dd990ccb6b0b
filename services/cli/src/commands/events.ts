import { type Command, InvalidArgumentError } from "commander";
import type { Event } from "../api/answers.js";
import { type Api, part } from "../api/api.js";
import { CliError } from "../cli-error.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { eventLine } from "../output/event-line.js";
import type { World } from "../world.js";
import { positive } from "./devices.js";

/** Events of one page. */
const PAGE = 500;
/** Milliseconds between two looks for new events. */
const LOOK_MS = 500;
/** Milliseconds between two attempts while the server is away. */
const AWAY_MS = 2_000;

type From = "beginning" | "now" | number;

interface TailOptions {
  readonly namespace: string;
  readonly from: From;
  readonly device?: string;
  readonly type?: string;
  readonly limit?: number;
  readonly follow: boolean;
}

export function addEvents(program: Command, world: World): void {
  const events = program
    .command("events")
    .description("What devices reported, in the order of the log.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog events tail", "events as they arrive, until Ctrl-C"],
        ["fieldlog events tail --from beginning --type pick", "all picks from the first on, then new ones"],
        [
          "fieldlog events tail --from 40960 --no-follow --json",
          "what came after that position, a JSON object per line",
        ],
      ),
    );

  events
    .command("tail")
    .description("Shows events from a place in the log on, and new ones as they arrive.")
    .option(...NAMESPACE)
    .option("--from <place>", "beginning, now, or the position after which to begin", place, "now")
    .option("--device <id>", "of this device only")
    .option("--type <type>", "of this type only, e.g. pick")
    .option("--limit <number>", "stop after so many", positive)
    .option("--no-follow", "stop at the end instead of waiting for more")
    .action(async (options: TailOptions, command: Command) => {
      const { api, world: to, json, paint } = contextOf(command, world);
      await tail(api, options, world, (event) => {
        to.out(json ? `${JSON.stringify(event)}\n` : `${eventLine(event, paint)}\n`);
      });
    });
}

interface Page {
  events: Event[];
  /** Position to go on from; null: no more for now. */
  next: number | null;
}

async function tail(
  api: Api,
  options: TailOptions,
  world: World,
  show: (event: Event) => void,
): Promise<void> {
  const path = `/v1/namespaces/${part(options.namespace)}/events`;
  const { device, type, limit = Number.POSITIVE_INFINITY } = options;
  const pageAfter = (after: number) =>
    api.get<Page>(path, { after, limit: Math.min(PAGE, limit - shown), device, type });
  let shown = 0;
  let after = await positionOf(api, path, options.from);
  for (let first = true; ; first = false) {
    const page = first ? await pageAfter(after) : await patiently(() => pageAfter(after), world);
    for (const event of page.events) show(event);
    shown += page.events.length;
    after = page.events.at(-1)?.position ?? after;
    if (shown >= limit) return;
    if (page.next === null) {
      if (!options.follow) return;
      await world.sleep(LOOK_MS);
    }
  }
}

/** The position after which to begin. */
async function positionOf(api: Api, path: string, from: From): Promise<number> {
  if (from === "beginning") return 0;
  if (from !== "now") return from;
  const { events } = await api.get<Page>(path, { before: Number.MAX_SAFE_INTEGER, limit: 1 });
  return events.at(-1)?.position ?? 0;
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

function place(text: string): From {
  if (text === "beginning" || text === "now") return text;
  const position = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(position)) throw new InvalidArgumentError("It is beginning, now, or a position.");
  return position;
}
