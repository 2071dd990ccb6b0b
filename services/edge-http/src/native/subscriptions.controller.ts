import { deviceKey, mayRead } from "@fieldlog/admission";
import {
  endOf,
  type Position,
  positionOf,
  REGISTRY,
  type registry,
  signalsStream,
} from "@fieldlog/contracts";
import { InvalidFilter, parseFilter } from "@fieldlog/filters";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { param, readInput } from "./input.js";
import { Operates } from "./operates.js";
import { operations } from "./operations.js";
import { NATIVE, type NativeParts } from "./parts.js";
import { Problem } from "./problem.js";
import { checkPast } from "./streams/subscribed.js";
import { subscriptionJson, subscriptionWithStatusJson } from "./subscription-json.js";
import type { NewSubscription } from "./subscription-schemas.js";

const HOUR_MS = 3_600_000;
type Allowed = Awaited<ReturnType<NativeParts["access"]["namespace"]>>;

/** Subscriptions, decided by their service. A key with permission read has those that it made itself. */
@Controller()
export class SubscriptionsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.createSubscription)
  async create(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { key, namespace } = await this.parts.access.namespace(request, "read");
    const { body } = readInput(operations.createSubscription, request);
    const webhook = typeof body.delivery === "string" ? undefined : body.delivery.webhook;
    if (webhook !== undefined && key.permission === "read") {
      throw new Problem(403, "A webhook takes a key with permission write.");
    }
    const after = await this.startOf(namespace.id, body.from);
    const made = await this.parts.subscriptions.createSubscription({
      ...{ namespace: namespace.id, name: body.name, owner: `key:${key.id}`, decidedBy: `key:${key.id}` },
      filters: filtersOf(body),
      delivery: typeof body.delivery === "string" ? body.delivery : "webhook",
      ...(webhook === undefined ? {} : { webhook: { url: webhook.url, batch: webhook.batch ?? 0 } }),
      ...(after === undefined ? {} : { after: BigInt(after) }),
    });
    if (made.subscription === undefined) throw new Error("subscriptions answered without a subscription");
    this.wrote(reply, namespace.id, made.subscription.id, made.sequence);
    const secret = made.secret === "" ? {} : { secret: made.secret };
    return { ...subscriptionJson(made.subscription), ...secret };
  }

  @Operates(operations.listSubscriptions)
  async list(@Req() request: FastifyRequest) {
    const { key, namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listSubscriptions, request);
    const { subscriptions, next } = await this.parts.subscriptions.listSubscriptions({
      ...{ namespace: namespace.id, after: query.after ?? "", limit: query.limit, withStatus: true },
      owner: key.permission === "read" ? `key:${key.id}` : "",
      atLeast: BigInt(this.parts.ownWrites.of(namespace.id, REGISTRY)),
    });
    return {
      subscriptions: subscriptions.map(subscriptionWithStatusJson),
      next: next === "" ? null : next,
    };
  }

  @Operates(operations.getSubscription)
  async show(@Req() request: FastifyRequest) {
    const allowed = await this.parts.access.namespace(request, "read");
    readInput(operations.getSubscription, request);
    return subscriptionWithStatusJson(await this.own(allowed, param(request, "id"), true));
  }

  @Operates(operations.removeSubscription)
  async remove(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const allowed = await this.parts.access.namespace(request, "read");
    readInput(operations.removeSubscription, request);
    const { id } = await this.own(allowed, param(request, "id"));
    const { sequence } = await this.parts.subscriptions.removeSubscription(asked(allowed, id));
    this.wrote(reply, allowed.namespace.id, id, sequence);
  }

  @Operates(operations.enableSubscription)
  async enable(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const allowed = await this.parts.access.namespace(request, "write");
    readInput(operations.enableSubscription, request);
    const id = param(request, "id");
    const { sequence } = await this.parts.subscriptions.enableSubscription(asked(allowed, id));
    this.wrote(reply, allowed.namespace.id, id, sequence);
  }

  @Operates(operations.rotateSubscriptionSecret)
  async rotate(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const allowed = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.rotateSubscriptionSecret, request);
    const id = param(request, "id");
    const { secret, sequence } = await this.parts.subscriptions.rotateSecret({
      ...asked(allowed, id),
      keepPreviousMs: BigInt(Math.round(body.keepPreviousHours * HOUR_MS)),
    });
    this.wrote(reply, allowed.namespace.id, id, sequence);
    return { secret };
  }

  /** Raises Problem 403, 404. */
  private async own({ key, namespace }: Allowed, id: string, withStatus = false) {
    const found = await this.parts.subscriptions.getSubscription({ namespace: namespace.id, id, withStatus });
    if (found.subscription === undefined) throw new Error("subscriptions answered without a subscription");
    if (mayRead(key, found.subscription)) return found.subscription;
    throw new Problem(403, "This subscription is another's: that takes a key with permission write.");
  }

  /** Position after which it begins; undefined: from the beginning. Raises Problem 400. */
  private async startOf(
    namespace: string,
    from: z.output<typeof NewSubscription>["from"],
  ): Promise<Position | undefined> {
    const { log } = this.parts;
    if (from === "beginning") return undefined;
    if (from === "now") return endOf(await log.lastSequence(signalsStream(namespace)));
    await checkPast(from, "from", log, namespace);
    return from;
  }

  private wrote(reply: FastifyReply, namespace: string, id: string, sequence: bigint): void {
    this.parts.known.subscriptions.invalidate(deviceKey(namespace, id));
    this.parts.ownWrites.note(namespace, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}

function asked({ key, namespace }: Allowed, id: string) {
  return { namespace: namespace.id, id, decidedBy: `key:${key.id}` };
}

/** One or several; none: everything. Raises Problem 400. */
function filtersOf({ filter, filters }: z.output<typeof NewSubscription>): registry.EventFilter[] {
  if (filter !== undefined && filters !== undefined) refuse("filters", "is not given beside filter");
  if (filters === undefined) return [parsed(filter ?? {}, "filter")];
  return filters.map((one, i) => parsed(one, `filters.${i}`));
}

function parsed(json: unknown, at: string): registry.EventFilter {
  try {
    return parseFilter(json);
  } catch (error) {
    if (!(error instanceof InvalidFilter)) throw error;
    return refuse(error.field === "" ? at : `${at}.${error.field}`, error.detail);
  }
}

function refuse(field: string, detail: string): never {
  throw new Problem(400, `The body is not right. ${field}: ${detail}`, { errors: [{ field, detail }] });
}
