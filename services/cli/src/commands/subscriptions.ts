import type { Command } from "commander";
import type { Subscription } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { table } from "../output/table.js";
import { ago, clean } from "../output/text.js";
import type { World } from "../world.js";
import { positive } from "./devices.js";

interface Scope {
  readonly namespace: string;
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

const COLUMNS = [
  ...["ID", "NAME", "OWNER", "DELIVERY", "STATE"],
  { heading: "BEHIND", right: true } as const,
  { heading: "DELIVERED", right: true } as const,
  "LAST",
];

function rowOf({ id, name, owner, delivery, disabled, status }: Subscription, now: number): string[] {
  const way = typeof delivery === "string" ? delivery : `webhook ${delivery.webhook.url}`;
  return [
    ...[clean(id), clean(name, 30), clean(owner, 30), clean(way, 60)],
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
