import { createMetrics } from "@fieldlog/runtime";
import { expect, it } from "vitest";
import { observeRefusals, type RefusalReason, reasonOfStatus } from "./refusals.js";

it("tells refusals by reason, those by its own fault from the beginning", async () => {
  const metrics = createMetrics();
  const counts: [RefusalReason, number][] = [];
  observeRefusals({ metrics, service: "edge-mqtt" }, () => counts);
  const exposed = async () =>
    (await metrics.metrics()).split("\n").filter((line) => line.startsWith("fieldlog_refusals_total"));
  const own = ["unavailable", "failed"].map(
    (reason) => `fieldlog_refusals_total{service="edge-mqtt",reason="${reason}"} 0`,
  );
  expect(await exposed()).toEqual(own);
  counts.push(["forbidden", 2], ["forbidden", 1]);
  expect(await exposed()).toEqual([
    ...own,
    'fieldlog_refusals_total{service="edge-mqtt",reason="forbidden"} 3',
  ]);
});

it("knows what HTTP's statuses say", () => {
  const statuses = [200, 304, 400, 401, 422, 429, 500, 502, 503];
  expect(statuses.map(reasonOfStatus)).toEqual([
    ...[undefined, undefined, "malformed", "unauthenticated", "malformed"],
    ...["too-many", "failed", "failed", "unavailable"],
  ]);
});
