import { deviceBoundOperations } from "./device-bound/device-bound-operations.js";
import { editingOperations } from "./editing/editing-operations.js";
import { fleetOperations } from "./fleet/fleet-operations.js";
import { inferenceOperations } from "./inference/inference-operations.js";
import { installationOperations } from "./installation/installation-operations.js";
import { livenessOperations } from "./liveness/liveness-operations.js";
import { modelOperations } from "./models/model-operations.js";
import { NAMESPACE, op } from "./operation.js";
import { propertyOperations } from "./properties/property-operations.js";
import { provisioningOperations } from "./provisioning/provisioning-operations.js";
import { rateOperations } from "./rates/rate-operations.js";
import { readingOperations } from "./readings/reading-operations.js";
import { sampleOperations } from "./samples/sample-operations.js";
import { samplingOperations } from "./samplings/sampling-operations.js";
import * as schema from "./schemas.js";
import { signingOperations } from "./signed/signing-operations.js";
import { snapshotOperations } from "./snapshots/snapshot-operations.js";
import { streamGroupOperations } from "./streamgroups/streamgroup-operations.js";
import * as subscription from "./subscription-schemas.js";
import { tenancyOperations } from "./tenancy/tenancy-operations.js";
import { tunnelOperations } from "./tunnels/tunnel-operations.js";

export type { Operation } from "./operation.js";

export const operations = {
  listEvents: op({
    ...{ method: "get", path: `${NAMESPACE}/events`, access: "reader", status: 200, waits: true },
    summary: "Events of a namespace, in the order of the log",
    query: schema.EventsQuery,
    answer: schema.Events,
  }),
  publishEvents: op({
    ...{ method: "post", path: `${NAMESPACE}/events`, access: "writer", status: 201, writes: true },
    signed: true,
    summary: "Publishes an event (201), or several (200, with what became of each), once they are on disk",
    query: schema.NoQuery,
    body: schema.NewEvents,
    answer: schema.PublishedEvents,
    statuses: [200],
    refusals: { 413: "Too large, or too many events", 415: "A content type that is not taken" },
  }),
  streamEvents: op({
    ...{ method: "get", path: `${NAMESPACE}/events/stream`, access: "reader", status: 200, streams: true },
    summary: "Events as they come, as server-sent events; Last-Event-ID resumes behind a position",
    query: subscription.EventStreamQuery,
  }),
  createSubscription: op({
    ...{ method: "post", path: `${NAMESPACE}/subscriptions`, access: "reader", status: 201, writes: true },
    summary: "Creates a subscription: a filter, and a place in the log that moves on with what is delivered",
    query: schema.NoQuery,
    body: subscription.NewSubscription,
    answer: subscription.CreatedSubscription,
  }),
  listSubscriptions: op({
    ...{ method: "get", path: `${NAMESPACE}/subscriptions`, access: "reader", status: 200 },
    summary: "Subscriptions, and how far each is; of a key with permission read, its own",
    query: subscription.SubscriptionsQuery,
    answer: subscription.Subscriptions,
  }),
  getSubscription: op({
    ...{ method: "get", path: `${NAMESPACE}/subscriptions/{id}`, access: "reader", status: 200 },
    summary: "One subscription, and how far it is",
    query: schema.NoQuery,
    answer: subscription.Subscription,
  }),
  removeSubscription: op({
    ...{ method: "delete", path: `${NAMESPACE}/subscriptions/{id}`, access: "reader", status: 204 },
    writes: true,
    summary: "Removes a subscription; whoever reads it is ended",
    query: schema.NoQuery,
  }),
  enableSubscription: op({
    ...{ method: "post", path: `${NAMESPACE}/subscriptions/{id}/enable`, access: "writer", status: 204 },
    writes: true,
    summary: "A webhook that was disabled goes on from where it was",
    query: schema.NoQuery,
  }),
  rotateSubscriptionSecret: op({
    ...{ method: "post", path: `${NAMESPACE}/subscriptions/{id}/rotate-secret`, access: "writer" },
    ...{ status: 201, writes: true },
    summary: "Another secret for a webhook; the one before signs as well for a while",
    query: schema.NoQuery,
    body: subscription.NewSecret,
    answer: subscription.SubscriptionSecret,
  }),
  pollEvents: op({
    ...{ method: "get", path: `${NAMESPACE}/subscriptions/{id}/events`, access: "reader", status: 200 },
    summary: "Events of a subscription, waited for; acknowledges those before",
    query: subscription.PollQuery,
    answer: subscription.PolledEvents,
  }),
  listDevices: op({
    ...{ method: "get", path: `${NAMESPACE}/devices`, access: "reader", status: 200, waits: true },
    summary: "Devices of a namespace, by id",
    query: schema.DevicesQuery,
    answer: schema.Devices,
  }),
  getDevice: op({
    ...{ method: "get", path: `${NAMESPACE}/devices/{device}`, access: "reader", status: 200, waits: true },
    edits: true,
    summary: "One device",
    query: schema.NoQuery,
    answer: schema.Device,
  }),
  createDevice: op({
    ...{ method: "post", path: `${NAMESPACE}/devices`, access: "writer", status: 201, writes: true },
    summary: "Creates a device that speaks MQTT; the answer holds its password, this once",
    query: schema.NoQuery,
    body: schema.NewDevice,
    answer: schema.CreatedDevice,
  }),
  removeDevice: op({
    ...{ method: "delete", path: `${NAMESPACE}/devices/{device}`, access: "namespace-admin", status: 204 },
    writes: true,
    summary: "Removes a device: its credentials are void, its name is free; what it reported stays",
    query: schema.NoQuery,
  }),
  issueMqttPassword: op({
    ...{ method: "post", path: `${NAMESPACE}/devices/{device}/mqtt-password`, access: "namespace-admin" },
    ...{ status: 201, writes: true },
    summary: "Gives a device of any dialect an MQTT password, in place of the one that it has",
    query: schema.NoQuery,
    answer: schema.MqttPassword,
  }),
  listMessages: op({
    ...{ method: "get", path: `${NAMESPACE}/messages`, access: "reader", status: 200, waits: true },
    summary: "Plain MQTT messages of a namespace, in the order of the log",
    query: schema.MessagesQuery,
    answer: schema.Messages,
  }),
  ...deviceBoundOperations,
  ...editingOperations,
  ...readingOperations,
  ...tenancyOperations,
  getRetention: op({
    ...{ method: "get", path: `${NAMESPACE}/retention`, access: "reader", status: 200 },
    summary: "How long the read models keep what devices reported; the log keeps it for ever",
    query: schema.NoQuery,
    answer: schema.Retention,
  }),
  setRetention: op({
    ...{ method: "put", path: `${NAMESPACE}/retention`, access: "namespace-admin", status: 200 },
    writes: true,
    summary: "Sets how long the read models keep what devices reported",
    query: schema.NoQuery,
    body: schema.NewRetention,
    answer: schema.Retention,
  }),
  createNamespace: op({
    ...{ method: "post", path: "/v1/namespaces", access: "admin", status: 201, writes: true },
    summary: "Creates a namespace",
    query: schema.NoQuery,
    body: schema.NewNamespace,
    answer: schema.Namespace,
  }),
  listNamespaces: op({
    ...{ method: "get", path: "/v1/namespaces", access: "admin", status: 200 },
    summary: "All namespaces",
    query: schema.NoQuery,
    answer: schema.Namespaces,
  }),
  createNamespaceKey: op({
    ...{
      method: "post",
      path: `${NAMESPACE}/api-keys`,
      access: "namespace-admin",
      status: 201,
      writes: true,
    },
    summary: "Creates an API key of a namespace; the answer holds the key, this once",
    query: schema.NoQuery,
    body: schema.NewApiKey,
    answer: schema.CreatedApiKey,
  }),
  listNamespaceKeys: op({
    ...{ method: "get", path: `${NAMESPACE}/api-keys`, access: "namespace-admin", status: 200 },
    summary: "API keys of a namespace, revoked ones too",
    query: schema.NoQuery,
    answer: schema.ApiKeys,
  }),
  revokeNamespaceKey: op({
    ...{ method: "delete", path: `${NAMESPACE}/api-keys/{id}`, access: "namespace-admin", status: 204 },
    writes: true,
    summary: "Revokes an API key of a namespace",
    query: schema.NoQuery,
  }),
  listHmacKeys: op({
    ...{ method: "get", path: `${NAMESPACE}/hmac-keys`, access: "namespace-admin", status: 200 },
    summary: "The keys with which a namespace's boards sign what they sample, the oldest first",
    query: schema.NoQuery,
    answer: schema.HmacKeys,
  }),
  createOperatorKey: op({
    ...{ method: "post", path: "/v1/api-keys", access: "admin", status: 201, writes: true },
    summary: "Creates an API key that is good for all namespaces; the answer holds the key, this once",
    query: schema.NoQuery,
    body: schema.NewApiKey,
    answer: schema.CreatedApiKey,
  }),
  listOperatorKeys: op({
    ...{ method: "get", path: "/v1/api-keys", access: "admin", status: 200 },
    summary: "API keys that are good for all namespaces, revoked ones too",
    query: schema.NoQuery,
    answer: schema.ApiKeys,
  }),
  revokeOperatorKey: op({
    ...{ method: "delete", path: "/v1/api-keys/{id}", access: "admin", status: 204, writes: true },
    summary: "Revokes an API key that is good for all namespaces",
    query: schema.NoQuery,
  }),
  listReadModels: op({
    ...{ method: "get", path: "/v1/read-models", access: "admin", status: 200 },
    summary: "Read models, and how far each has followed its log",
    query: schema.NoQuery,
    answer: schema.ReadModels,
  }),
  rebuildReadModel: op({
    ...{ method: "post", path: "/v1/read-models/{name}/rebuild", access: "admin", status: 202 },
    summary: "Builds a read model anew from the log, beside the live one",
    query: schema.NoQuery,
    answer: schema.Accepted,
  }),
  listDeadLetters: op({
    ...{ method: "get", path: "/v1/dead-letters", access: "admin", status: 200 },
    summary: "What read models could not apply, and set aside with the devices it came from",
    query: schema.DeadLettersQuery,
    answer: schema.DeadLetters,
  }),
  retryDeadLetters: op({
    ...{ method: "post", path: "/v1/dead-letters/retry", access: "admin", status: 200 },
    summary: "Applies a device's dead letters again, from the oldest on",
    query: schema.NoQuery,
    body: schema.ParkedDevice,
    answer: schema.Retried,
  }),
  dropDeadLetters: op({
    ...{ method: "post", path: "/v1/dead-letters/drop", access: "admin", status: 200 },
    summary: "Forgets a device's dead letters",
    query: schema.NoQuery,
    body: schema.ParkedDevice,
    answer: schema.Dropped,
  }),
  ...installationOperations,
  ...rateOperations,
  ...livenessOperations,
  ...snapshotOperations,
  ...inferenceOperations,
  ...provisioningOperations,
  ...samplingOperations,
  ...propertyOperations,
  ...fleetOperations,
  ...sampleOperations,
  ...streamGroupOperations,
  ...tunnelOperations,
  ...modelOperations,
  ...signingOperations,
  openapi: op({
    ...{ method: "get", path: "/openapi.json", access: "anybody", status: 200 },
    summary: "This document",
    query: schema.NoQuery,
    answer: schema.JsonDocument,
  }),
} as const;
