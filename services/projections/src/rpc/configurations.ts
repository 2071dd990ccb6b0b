import type { projections } from "@fieldlog/contracts";
import type { ServiceImpl } from "@fieldlog/rpc";
import {
  type ConfigurationFound,
  pageOfConfigurations,
  pageOfNamedDevices,
} from "../configurations/query.js";
import { checkLimit, given, millis, reach, type Served, same } from "./requests.js";

type Answers = Pick<
  ServiceImpl<typeof projections.ProjectionsService>,
  "listNamedDevices" | "listConfigurations"
>;

export function configurationsAndNames({ database, runners }: Served): Answers {
  return {
    listNamedDevices: async ({ namespace, limit, after, atLeast }) => {
      checkLimit(limit);
      await reach(atLeast, runners.configurations, runners.devices);
      const { devices, next } = await pageOfNamedDevices(database, namespace, after, limit);
      return {
        devices: devices.map(({ id, name, last_seen_at }) => {
          return { id, name, ...given("lastSeenAt", last_seen_at, millis) };
        }),
        next: next ?? "",
      };
    },
    listConfigurations: async ({ namespace, device, previous, revision, limit, atLeast }) => {
      checkLimit(limit);
      await reach(atLeast, runners.configurations);
      const asked = { namespace, device, previous, limit, ...given("revision", revision, same) };
      return { configurations: (await pageOfConfigurations(database, asked)).map(toConfiguration) };
    },
  };
}

function toConfiguration(row: ConfigurationFound) {
  return {
    ...{ revision: row.revision, valueJson: row.value, createdAt: millis(row.created_at) },
    ...given("publishedAt", row.published_at, millis),
    ...given("acknowledgedAt", row.acknowledged_seconds, same),
    ...given("receivedAt", row.received_at, millis),
    ...given("success", row.success, same),
  };
}
