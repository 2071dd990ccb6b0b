import { limits, type registry } from "@fieldlog/contracts";
import { InvalidEvent, type PublishedEvent, parseEvent } from "@fieldlog/events";
import { InvalidFilter, parseFilter } from "@fieldlog/filters";
import { z } from "zod";

/** What a client may say. Positions are below 2^53. */
export type ClientMessage = Subscribe | Ack | Credit | Publish | Ping;

/** Who speaks, with the first message that needs to know. */
interface Login {
  readonly key: string | undefined;
  /** Id or name. */
  readonly namespace: string | undefined;
}

export interface Subscribe extends Login {
  readonly type: "subscribe";
  /** What is subscribed to: filters, any of which may hold, or a durable subscription by its id. */
  readonly to: { readonly filters: readonly registry.EventFilter[] } | { readonly subscription: string };
  readonly from: "now" | "beginning" | number | undefined;
  /** Undefined: as much as the socket takes. */
  readonly credit: number | undefined;
}

export interface Ack {
  readonly type: "ack";
  readonly position: number;
}

export interface Credit {
  readonly type: "credit";
  readonly credit: number;
}

export interface Publish extends Login {
  readonly type: "publish";
  /** By which the client knows the answer again. */
  readonly ref: string | number | undefined;
  readonly event: PublishedEvent | InvalidEvent;
}

export interface Ping {
  readonly type: "ping";
}

/** A message that is not right. Names the field. */
export class InvalidMessage extends Error {
  override readonly name = "InvalidMessage";

  constructor(
    readonly field: string,
    readonly detail: string,
  ) {
    super(`${field === "" ? "the message" : field}: ${detail}`);
  }
}

const text = z.string().min(1).max(limits.textLength);
const login = { key: text.optional(), namespace: z.string().min(1).max(limits.idLength).optional() };
const position = z.int().nonnegative();
const credit = z.int().min(0).max(limits.subscriberCredit);

const schema = z.discriminatedUnion("type", [
  z.strictObject({
    ...{ type: z.literal("subscribe"), ...login, credit: credit.optional() },
    filter: z.unknown().optional(),
    filters: z.array(z.unknown()).min(1).max(limits.filtersPerSubscription).optional(),
    subscription: z.string().min(1).max(limits.idLength).optional(),
    from: z.union([z.enum(["now", "beginning"]), position]).optional(),
  }),
  z.strictObject({ type: z.literal("ack"), position }),
  z.strictObject({ type: z.literal("credit"), credit }),
  z.strictObject({
    ...{ type: z.literal("publish"), ...login, event: z.unknown() },
    ref: z.union([z.string().max(limits.idLength), z.number()]).optional(),
  }),
  z.strictObject({ type: z.literal("ping") }),
]);

/** Raises InvalidMessage. An event that is not right is told as such, so that its answer has its reference. */
export function parseMessage(message: unknown): ClientMessage {
  const result = schema.safeParse(message);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new InvalidMessage(issue?.path.join(".") ?? "", issue?.message ?? "is not right");
  }
  const { data } = result;
  switch (data.type) {
    case "subscribe": {
      const { type, key, namespace, from } = data;
      return { type, key, namespace, to: wanted(data), from, credit: data.credit };
    }
    case "publish": {
      const { type, key, namespace, ref } = data;
      return { type, key, namespace, ref, event: published(data.event) };
    }
    default:
      return data;
  }
}

function wanted({
  filter,
  filters,
  subscription,
}: {
  readonly filter?: unknown;
  readonly filters?: unknown[] | undefined;
  readonly subscription?: string | undefined;
}): Subscribe["to"] {
  const given = [filter, filters, subscription].filter((each) => each !== undefined);
  if (given.length > 1) throw new InvalidMessage("", "give one of filter, filters and subscription");
  if (subscription !== undefined) return { subscription };
  if (filters === undefined) return { filters: [parsed(filter ?? {}, "filter")] };
  return { filters: filters.map((each, i) => parsed(each, `filters.${i}`)) };
}

function parsed(json: unknown, at: string): registry.EventFilter {
  try {
    return parseFilter(json);
  } catch (error) {
    if (!(error instanceof InvalidFilter)) throw error;
    throw new InvalidMessage([at, error.field].filter((part) => part !== "").join("."), error.detail);
  }
}

function published(json: unknown): PublishedEvent | InvalidEvent {
  try {
    return parseEvent(json);
  } catch (error) {
    if (error instanceof InvalidEvent) return error;
    throw error;
  }
}
