import { limits, type registry } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { describeFilter, InvalidFilter, parseFilter } from "@fieldlog/filters";

/*
 * What a subscription may be. Each function raises InvalidField, naming the field as the request does. U+0000 is
 * refused as everywhere in what is decided.
 */

const OWNER = /^(?:device|key):./s;

export function checkFilters(filters: readonly registry.EventFilter[]): void {
  const most = limits.filtersPerSubscription;
  if (filters.length < 1) throw new InvalidField("filters", "is missing");
  if (filters.length > most) throw new InvalidField("filters", `are ${filters.length}, more than ${most}`);
  for (const [index, filter] of filters.entries()) {
    try {
      parseFilter(describeFilter(filter));
    } catch (error) {
      if (!(error instanceof InvalidFilter)) throw error;
      const field = error.field === "" ? `filters[${index}]` : `filters[${index}].${error.field}`;
      throw new InvalidField(field, error.detail);
    }
  }
}

export function checkName(name: string): void {
  checkText(name, limits.textLength, "name");
}

/** "device:<id>" or "key:<id>". */
export function checkOwner(owner: string): void {
  checkText(owner, limits.idLength + "device:".length, "owner");
  if (!OWNER.test(owner)) throw new InvalidField("owner", "is neither a device nor a key");
}

/** Whether the address is one that may be called is decided when it is: names change what they stand for. */
export function checkUrl(text: string): void {
  checkText(text, limits.textLength, "webhook.url");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new InvalidField("webhook.url", "is no http or https URL");
  }
  // It is shown to everybody who sees the subscription, and stands in logs.
  if (url.username !== "" || url.password !== "") {
    throw new InvalidField("webhook.url", "must not hold a user or a password");
  }
}

export function checkBatch(batch: number): void {
  if (batch <= limits.webhookBatch) return;
  throw new InvalidField("webhook.batch", `is more than ${limits.webhookBatch}`);
}

function checkText(text: string, most: number, field: string): void {
  if (text.length > most) throw new InvalidField(field, `has more than ${most} characters`);
  if (text.includes("\u0000") || !text.isWellFormed()) throw new InvalidField(field, "is no plain text");
}
