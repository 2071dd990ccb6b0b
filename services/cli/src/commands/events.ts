import { type Command, InvalidArgumentError } from "commander";
import type { Event } from "../api/answers.js";
import { type Api, part } from "../api/api.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { eventLine } from "../output/event-line.js";
import type { World } from "../world.js";
import { type From, follow, place } from "./follow.js";
import { positive } from "./values.js";

interface TailOptions {
  readonly namespace: string;
  readonly from: From;
  readonly device?: string;
  readonly type?: string;
  readonly limit?: number;
  readonly follow: boolean;
}

interface PublishOptions {
  readonly namespace: string;
  readonly device?: string;
  readonly action?: string;
  readonly value?: string;
  readonly place?: string;
  readonly id?: string;
  readonly data?: unknown;
}

export function addEvents(program: Command, world: World): void {
  const events = program
    .command("events")
    .description("What devices and programs reported, in the order of the log.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog events tail", "events as they arrive, until Ctrl-C"],
        ["fieldlog events tail --from beginning --type pick", "all picks from the first on, then new ones"],
        [
          "fieldlog events tail --from 40960 --no-follow --json",
          "what came after that position, a JSON object per line",
        ],
        [
          "fieldlog events publish Light --action on --place hall",
          "an event of this key, for all subscribers",
        ],
        [`fieldlog events publish door --device front --data '{"open":true}'`, "an event of that device"],
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

  addPublish(events, world);
}

function addPublish(events: Command, world: World): void {
  events
    .command("publish")
    .description("Publishes an event; it is on disk when this ends.")
    .argument("<name>", "what happened")
    .option(...NAMESPACE)
    .option("--device <id>", "the device whose event it is; without, the key's own")
    .option("--action <action>", "what the thing did")
    .option("--value <value>", "to what value")
    .option("--place <place>", "where it stands, in words")
    .option("--id <id>", "who publishes the same again gives the same id, and tables have it once")
    .option("--data <json>", "whatever else there is to say", json)
    .action(async (name: string, options: PublishOptions, command: Command) => {
      const { api, print } = contextOf(command, world);
      const { namespace, ...event } = options;
      const path = `/v1/namespaces/${part(namespace)}/events`;
      const published = await api.post<{ position: number; id: string }>(path, { name, ...event });
      print(published, () => `Published at position ${published.position}.\n`);
    });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError("It must be JSON; a text stands in quotation marks, as in '\"hello\"'.");
  }
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
  const pageAfter = async (after: number, most: number) => {
    const { events, next } = await api.get<Page>(path, { after, limit: most, device, type });
    return { items: events, after: events.at(-1)?.position ?? after, more: next !== null };
  };
  const after = await positionOf(api, path, options.from);
  await follow({ after, limit, follow: options.follow, pageAfter, show }, world);
}

/** The position after which to begin. */
async function positionOf(api: Api, path: string, from: From): Promise<number> {
  if (from === "beginning") return 0;
  if (from !== "now") return from;
  const { events } = await api.get<Page>(path, { before: Number.MAX_SAFE_INTEGER, limit: 1 });
  return events.at(-1)?.position ?? 0;
}
