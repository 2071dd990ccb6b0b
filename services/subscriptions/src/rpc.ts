import type { MessageInitShape } from "@bufbuild/protobuf";
import { rpcFailure } from "@fieldlog/aggregates";
import { isId, limits, type Position, type subscriptions } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import { NoWebhook, TooManySubscriptions, UnknownSubscription } from "./decisions/refusals.js";
import { SUBSCRIPTION_ID } from "./decisions/subscription.js";
import type { Row } from "./service/namespace-rows.js";
import type { Subscriptions } from "./service/subscriptions.js";
import type { Status, Statuses } from "./status/statuses.js";

/** fieldlog.subscriptions.v1.SubscriptionsService: requests to calls, results to answers. */
export function subscriptionsService(
  own: Subscriptions,
  statuses: Statuses,
): ServiceImpl<typeof subscriptions.SubscriptionsService> {
  return {
    createSubscription: async ({ namespace, decidedBy, ...request }) => {
      checkNamespace(namespace);
      const asked = { ...request, after: toPosition(request.after) };
      const { created, secret = "" } = await own.create(namespace, asked, decidedBy || "system");
      const sequence = BigInt(created.sequence);
      return { subscription: toSubscription(created, undefined), secret, sequence };
    },
    getSubscription: async ({ namespace, id, withStatus }) => {
      checkIds(namespace, id);
      const row = await own.get(namespace, id);
      const [status] = withStatus ? await statuses.of(namespace, [row]) : [];
      return { subscription: toSubscription(row, status) };
    },
    listSubscriptions: async ({ namespace, owner, after, limit, withStatus }) => {
      checkNamespace(namespace);
      if (limit < 1 || limit > limits.pageRows) {
        throw new InvalidField("limit", `is not within 1 and ${limits.pageRows}`);
      }
      const { rows, next } = await own.list(namespace, { owner, after, limit });
      const all = withStatus ? await statuses.of(namespace, rows) : [];
      return { subscriptions: rows.map((row, index) => toSubscription(row, all[index])), next };
    },
    removeSubscription: async ({ namespace, id, decidedBy }) => {
      checkIds(namespace, id);
      return { sequence: BigInt(await own.remove(namespace, id, decidedBy || "system")) };
    },
    enableSubscription: async ({ namespace, id, decidedBy }) => {
      checkIds(namespace, id);
      return { sequence: BigInt(await own.enable(namespace, id, decidedBy || "system")) };
    },
    rotateSecret: async ({ namespace, id, keepPreviousMs, decidedBy }) => {
      checkIds(namespace, id);
      const keep = Number(keepPreviousMs);
      const { secret, sequence } = await own.rotateSecret(namespace, id, keep, decidedBy || "system");
      return { secret, sequence: BigInt(sequence) };
    },
  };
}

/** Refusals and failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof UnknownSubscription) return new RpcError("not_found", error.message);
  if (error instanceof NoWebhook) return new RpcError("failed_precondition", error.message);
  if (error instanceof TooManySubscriptions) return new RpcError("resource_exhausted", error.message);
  return rpcFailure(error);
}

function checkNamespace(namespace: string): void {
  if (!isId(namespace)) throw new InvalidField("namespace", "is no id");
}

function checkIds(namespace: string, id: string): void {
  if (!isId(namespace) || !SUBSCRIPTION_ID.test(id)) throw new UnknownSubscription();
}

function toPosition(after: bigint | undefined): Position | undefined {
  if (after === undefined) return undefined;
  if (after > BigInt(Number.MAX_SAFE_INTEGER)) throw new InvalidField("after", "is no position");
  return Number(after);
}

function toSubscription(
  { namespace, id, state, sequence }: Row,
  status: Status | undefined,
): MessageInitShape<typeof subscriptions.SubscriptionSchema> {
  const { name, owner, filters, delivery, after, webhook, createdAt, disabled = "" } = state;
  return {
    ...{ id, namespace, name, owner, filters: [...filters], delivery, disabledReason: disabled },
    ...{ createdAt: BigInt(createdAt), sequence: BigInt(sequence) },
    ...(webhook === undefined ? {} : { webhook: { url: webhook.url, batch: webhook.batch } }),
    ...(after === undefined ? {} : { after: BigInt(after) }),
    ...(status === undefined ? {} : { status }),
  };
}
