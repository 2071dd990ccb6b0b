import { Aggregates } from "@fieldlog/aggregates";
import { subscriptions } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { CursorRecords } from "@fieldlog/fan-out";
import { listenAddress, RpcServer } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { SealingKey } from "@fieldlog/sealing";
import { refusal, subscriptionsService } from "./rpc.js";
import { Secrets } from "./service/secrets.js";
import { Subscriptions } from "./service/subscriptions.js";
import { SubscriptionTable } from "./service/table.js";
import { Lags } from "./status/lags.js";
import { Statuses } from "./status/statuses.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "internalToken", "installationKey");
  const now = Date.now;

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  const records = await CursorRecords.open(log.connection, settings.replicas);
  const table = new SubscriptionTable({ log, logger });
  const aggregates = new Aggregates({ log, snapshots: table, metrics });
  const secrets = new Secrets(new SealingKey(Buffer.from(settings.installationKey, "base64")));
  const own = new Subscriptions({ aggregates, table, records, secrets });
  const statuses = new Statuses(records, new Lags(log, now), now);
  const server = new RpcServer({
    address: listenAddress(settings.subscriptionsGrpc, settings.grpcBind ?? settings.bind),
    token: settings.internalToken,
    logger,
    metrics,
    refusal,
  }).add(subscriptions.SubscriptionsService, subscriptionsService(own, statuses));

  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({ name: "records", stop: () => records.close() });
  lifecycle.add({ name: "subscriptions", start: async () => table.start(), stop: () => table.stop() });
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  health.add("log", () => log.ready());
  health.add("subscriptions", async () => table.notReady());
}
