import { type Command, InvalidArgumentError, Option } from "commander";
import type { Subscription } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf, examples, NAMESPACE, type Scope } from "../context.js";
import { fields, table } from "../output/table.js";
import { ago, clean, type Paint, time } from "../output/text.js";
import type { World } from "../world.js";
import { type From, place } from "./follow.js";
import { positive } from "./values.js";

interface CreateOptions extends Scope {
  readonly name?: string;
  readonly filter?: object;
  readonly delivery: string;
  readonly webhook?: string;
  readonly batch?: number;
  readonly from: From;
}

/** Subscriptions: who gets which events, and how far each is. */
export function addSubscriptions(program: Command, world: World): void {
  const subscriptions = program
    .command("subscriptions")
    .description("Who gets which events, and how far each is.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog subscriptions list", "who is connected, who is behind, what fails"],
        [
          `fieldlog subscriptions create --filter '{"names":["Light*"]}' --webhook https://example.org/hook`,
          "each event to an endpoint, signed",
        ],
        ["fieldlog subscriptions enable 3f9a…", "a webhook that was disabled goes on from where it was"],
      ),
    );

  subscriptions
    .command("list")
    .description("Subscriptions by id.")
    .option(...NAMESPACE)
    .option("--limit <number>", "how many at most", positive, 100)
    .action(async ({ namespace, limit }: Scope & { limit: number }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const found = await api.get<{ subscriptions: Subscription[] }>(pathOf(namespace), { limit });
      print(found, () =>
        found.subscriptions.length === 0
          ? `There are no subscriptions in namespace ${clean(namespace)}.\n`
          : table(
              COLUMNS,
              found.subscriptions.map((one) => rowOf(one, world.now())),
              paint,
            ),
      );
    });

  subscriptions
    .command("show")
    .argument("<id>")
    .description("One subscription, its filters, and how it goes.")
    .option(...NAMESPACE)
    .action(async (id: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const found = await api.get<Subscription>(`${pathOf(namespace)}/${part(id)}`);
      print(found, () => fields(fieldsOf(found, world.now()), paint));
    });

  subscriptions
    .command("create")
    .description("A new subscription; a webhook's secret is shown this once.")
    .option(...NAMESPACE)
    .option("--name <name>", "what it is for, for people")
    .option("--filter <json>", 'which events, as in {"names":["Light*"]}; without, all', filter)
    .addOption(
      new Option("--delivery <way>", "how its owner reads it").choices(["stream", "poll"]).default("stream"),
    )
    .option("--webhook <url>", "send its events there instead")
    .option("--batch <number>", "to the webhook so many in one request at most", positive)
    .option("--from <place>", "beginning, now, or the position after which to begin", place, "now")
    .action(async (options: CreateOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, webhook: url, batch, delivery, ...rest } = options;
      const webhook = url === undefined ? undefined : { webhook: { url, batch } };
      const body = { ...rest, delivery: webhook ?? delivery };
      const made = await api.post<Subscription & { secret?: string }>(pathOf(namespace), body);
      print(made, () => {
        const secret = made.secret === undefined ? "" : secretText(made.secret, paint);
        return `Created subscription ${paint("bold", clean(made.id))}.\n${secret}`;
      });
    });

  subscriptions
    .command("rotate-secret")
    .argument("<id>")
    .description("Another secret for a webhook; the one before signs as well for a day.")
    .option(...NAMESPACE)
    .action(async (id: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const made = await api.post<{ secret: string }>(`${pathOf(namespace)}/${part(id)}/rotate-secret`);
      print(made, () => secretText(made.secret, paint));
    });

  subscriptions
    .command("remove")
    .argument("<id>")
    .description("Removes a subscription; whoever reads it is ended.")
    .option(...NAMESPACE)
    .action(async (id: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.delete(`${pathOf(namespace)}/${part(id)}`);
      print({ id, removed: true }, () => `${paint("green", "Removed")} subscription ${clean(id)}.\n`);
    });

  subscriptions
    .command("enable")
    .argument("<id>")
    .description("A webhook that was disabled goes on from where it was.")
    .option(...NAMESPACE)
    .action(async (id: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.post(`${pathOf(namespace)}/${part(id)}/enable`);
      print({ id, enabled: true }, () => `${paint("green", "Enabled")} subscription ${clean(id)}.\n`);
    });
}

function filter(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError("It must be a JSON object.");
}

function secretText(secret: string, paint: Paint): string {
  return `Its requests are signed with ${paint("bold", clean(secret))}\nKeep it now: it is not shown again.\n`;
}

function fieldsOf(one: Subscription, now: number): [string, string][] {
  const { status } = one;
  return [
    ["id", clean(one.id)],
    ["name", clean(one.name)],
    ["owner", clean(one.owner)],
    ["delivery", wayOf(one)],
    ["filters", clean(one.filters)],
    ["state", stateOf(one.disabled, status)],
    ["position", clean(status.position)],
    ["behind", `${status.lag.events} events, ${status.lag.seconds.toFixed(1)} s`],
    ["delivered", `${status.delivered}, the last ${ago(status.lastDeliveryAt, now)}`],
    ["failing since", time(status.failingSince)],
    ["next attempt", time(status.nextAttemptAt)],
  ];
}

function wayOf({ delivery }: Subscription): string {
  return typeof delivery === "string" ? clean(delivery) : `webhook ${clean(delivery.webhook.url, 80)}`;
}

const COLUMNS = [
  ...["ID", "NAME", "OWNER", "DELIVERY", "STATE"],
  { heading: "BEHIND", right: true } as const,
  { heading: "DELIVERED", right: true } as const,
  "LAST",
];

function rowOf(one: Subscription, now: number): string[] {
  const { id, name, owner, disabled, status } = one;
  return [
    ...[clean(id), clean(name, 30), clean(owner, 30), wayOf(one)],
    stateOf(disabled, status),
    ...[String(status.lag.events), String(status.delivered), ago(status.lastDeliveryAt, now)],
  ];
}

function stateOf(disabled: Subscription["disabled"], status: Subscription["status"]): string {
  if (disabled) return `disabled: ${clean(disabled.reason, 60)}`;
  if (status.failures > 0) return `failing: ${clean(status.lastError, 60)}`;
  return status.connected ? "connected" : "away";
}

function pathOf(namespace: string): string {
  return `/v1/namespaces/${part(namespace)}/subscriptions`;
}
