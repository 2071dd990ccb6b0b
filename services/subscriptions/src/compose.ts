import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { Aggregates } from "@fieldlog/aggregates";
import { auth, sealing, subscriptions } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { CursorRecords, EventFeeds } from "@fieldlog/fan-out";
import { listenAddress, RpcServer, rpcClient } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { InstallationKeys, resealing } from "@fieldlog/sealing";
import { observeSubscriptions } from "./metrics.js";
import { refusal, subscriptionsService } from "./rpc.js";
import { Resealing } from "./service/resealing.js";
import { Secrets } from "./service/secrets.js";
import { Subscriptions } from "./service/subscriptions.js";
import { SubscriptionTable } from "./service/table.js";
import { WebhookSubscriptions } from "./service/webhook-subscriptions.js";
import { Lags } from "./status/lags.js";
import { Statuses } from "./status/statuses.js";
import { Addresses } from "./webhooks/addresses.js";
import { checkEndpoint } from "./webhooks/endpoint-url.js";
import { namespaceNames } from "./webhooks/namespace-names.js";
import { Poster } from "./webhooks/post.js";
import { Replicas } from "./webhooks/replicas.js";
import { Webhooks } from "./webhooks/webhooks.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "internalToken", "installationKey");
  const now = Date.now;
  const addresses = new Addresses(settings.webhookAllow);

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  const records = await CursorRecords.open(log.connection, settings.replicas);
  const table = new SubscriptionTable({ log, logger });
  const aggregates = new Aggregates({ log, snapshots: table, metrics });
  const keys = new InstallationKeys(settings.installationKey).sealing;
  const secrets = new Secrets(keys);
  const resealed = new Resealing({ aggregates, table, secrets });
  const own = new Subscriptions({
    ...{ aggregates, table, records, secrets },
    checkEndpoint: (url) => checkEndpoint(url, addresses),
  });
  const statuses = new Statuses(records, new Lags(log, now), now);
  const caller = { token: settings.internalToken, metrics };
  const authClient = rpcClient(auth.AuthService, { ...caller, address: settings.authGrpc });
  const feeds = new EventFeeds({ log, logger });
  const webhooks = new Webhooks({
    ...{ log, feeds, records, logger, registry: metrics },
    subscriptions: new WebhookSubscriptions(table, secrets, aggregates),
    replicas: new Replicas(log.connection, `${hostname()}-${randomBytes(6).toString("hex")}`),
    nameOf: namespaceNames(authClient),
    poster: new Poster({ addresses }),
  });
  const server = new RpcServer({
    address: listenAddress(settings.subscriptionsGrpc, settings.grpcBind ?? settings.bind),
    token: settings.internalToken,
    logger,
    metrics,
    refusal,
  })
    .add(subscriptions.SubscriptionsService, subscriptionsService(own, statuses))
    .add(sealing.SealingService, { reseal: resealing(keys, (asked) => resealed.page(asked)) });

  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({ name: "records", stop: () => records.close() });
  lifecycle.add({ name: "feeds", stop: () => feeds.stop() });
  lifecycle.add({ name: "gRPC client", stop: async () => authClient.close() });
  lifecycle.add({ name: "webhooks", start: async () => webhooks.start(), stop: () => webhooks.stop() });
  lifecycle.add({ name: "subscriptions", start: async () => table.start(), stop: () => table.stop() });
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  observeSubscriptions(metrics, table);
  health.add("log", () => log.ready());
  health.add("subscriptions", async () => table.notReady());
}
