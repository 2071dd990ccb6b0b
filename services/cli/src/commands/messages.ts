import type { Command } from "commander";
import type { Message } from "../api/answers.js";
import { type Api, part } from "../api/api.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { messageLine } from "../output/message-line.js";
import type { World } from "../world.js";
import { type From, follow, place } from "./follow.js";
import { positive } from "./values.js";

interface TailOptions {
  readonly namespace: string;
  readonly from: From;
  readonly topic?: string;
  readonly limit?: number;
  readonly follow: boolean;
}

interface ListOptions {
  readonly namespace: string;
  readonly after: number;
  readonly topic?: string;
  readonly limit: number;
}

const TOPIC = [
  "--topic <filter>",
  "of these topics only: + stands for one level, # for the rest, as in tele/+/STATE or zigbee2mqtt/#",
] as const;

export function addMessages(program: Command, world: World): void {
  const messages = program
    .command("messages")
    .description("Plain MQTT messages: whatever was published on a topic that belongs to no dialect.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog messages tail", "messages as they arrive, until Ctrl-C"],
        [
          "fieldlog messages tail --topic 'tele/+/STATE' --from beginning",
          "all of some topics, then new ones",
        ],
        ["fieldlog messages list --topic 'zigbee2mqtt/#' --limit 20 --json", "the first 20, for a program"],
      ),
    );

  messages
    .command("tail")
    .description("Shows messages from a place in the log on, and new ones as they arrive.")
    .option(...NAMESPACE)
    .option("--from <place>", "beginning, now, or the position after which to begin", place, "now")
    .option(...TOPIC)
    .option("--limit <number>", "stop after so many", positive)
    .option("--no-follow", "stop at the end instead of waiting for more")
    .action(async (options: TailOptions, command: Command) => {
      const { api, json, paint } = contextOf(command, world);
      const path = pathOf(options.namespace);
      const followed = {
        after: await positionOf(api, path, options.from),
        limit: options.limit ?? Number.POSITIVE_INFINITY,
        follow: options.follow,
        pageAfter: async (after: number, limit: number) => {
          const page = await api.get<MessagePage>(path, { after, limit, topic: options.topic });
          const { messages: items, next } = page;
          return { items, after: next ?? items.at(-1)?.position ?? after, more: next !== null };
        },
        show: (message: Message) =>
          world.out(json ? `${JSON.stringify(message)}\n` : `${messageLine(message, paint)}\n`),
      };
      await follow(followed, world);
    });

  messages
    .command("list")
    .description("Messages in the order of the log, from its beginning or from a position on.")
    .option(...NAMESPACE)
    .option(...TOPIC)
    .option("--after <position>", "go on after this position", position, 0)
    .option("--limit <number>", "how many at most", positive, 100)
    .action(async (options: ListOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const found = await listMessages(api, options);
      print(found, () => {
        if (found.messages.length === 0) return "There are no such messages.\n";
        const more = found.next === null ? "" : `\nThere are more: --limit, or --after ${found.next}\n`;
        return found.messages.map((message) => `${messageLine(message, paint)}\n`).join("") + more;
      });
    });
}

interface MessagePage {
  messages: Message[];
  /** Position to go on after, even if there are no messages here; null: no more for now. */
  next: number | null;
}

function pathOf(namespace: string): string {
  return `/v1/namespaces/${part(namespace)}/messages`;
}

/** Messages of one request. */
const PAGE = 500;

async function listMessages(api: Api, options: ListOptions): Promise<MessagePage> {
  const messages: Message[] = [];
  let after = options.after;
  for (;;) {
    const limit = Math.min(PAGE, options.limit - messages.length);
    const page = await api.get<MessagePage>(pathOf(options.namespace), {
      after,
      limit,
      topic: options.topic,
    });
    messages.push(...page.messages);
    if (page.next === null || messages.length >= options.limit) return { messages, next: page.next };
    after = page.next;
  }
}

/** The position after which to begin. */
async function positionOf(api: Api, path: string, from: From): Promise<number> {
  if (from === "beginning") return 0;
  if (from !== "now") return from;
  const { next } = await api.get<MessagePage>(path, { after: "latest" });
  return next ?? 0;
}

function position(text: string): number {
  const value = place(text);
  return value === "beginning" || value === "now" ? positive(text) : value;
}
