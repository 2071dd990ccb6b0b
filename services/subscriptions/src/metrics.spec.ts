import { createMetrics } from "@fieldlog/runtime";
import { expect, it } from "vitest";
import { observeSubscriptions } from "./metrics.js";
import type { Row } from "./service/namespace-rows.js";

it("subscriptions are counted by how they are delivered and whether they are disabled, as they are now", async () => {
  const row = (delivery: string, disabled?: string) =>
    ({ state: { delivery, ...(disabled === undefined ? {} : { disabled }) } }) as Row;
  let rows = [row("poll"), row("poll"), row("webhook"), row("webhook", "410 Gone")];
  const registry = createMetrics();
  observeSubscriptions(registry, { all: () => rows[Symbol.iterator]() as Generator<Row, void> });
  const told = async () =>
    (await registry.metrics()).split("\n").filter((line) => line.startsWith("fieldlog_subscriptions"));
  expect(await told()).toEqual([
    'fieldlog_subscriptions{delivery="poll",state="enabled"} 2',
    'fieldlog_subscriptions{delivery="webhook",state="enabled"} 1',
    'fieldlog_subscriptions{delivery="webhook",state="disabled"} 1',
  ]);
  rows = [];
  expect(await told()).toEqual([]);
});
