import { gauge, type Registry } from "@fieldlog/runtime";
import type { SubscriptionTable } from "./service/table.js";

/** How many subscriptions there are, for the operator: by how they are delivered, and whether they are disabled. */
export function observeSubscriptions(registry: Registry, table: Pick<SubscriptionTable, "all">): void {
  gauge(registry, {
    name: "fieldlog_subscriptions",
    help: "Subscriptions of the installation, by delivery and state: enabled, disabled.",
    labelNames: ["delivery", "state"],
    collect() {
      this.reset();
      for (const { state } of table.all()) {
        this.inc({ delivery: state.delivery, state: state.disabled === undefined ? "enabled" : "disabled" });
      }
    },
  });
}
