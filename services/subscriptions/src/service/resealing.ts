import type { Aggregates } from "@fieldlog/aggregates";
import { countByKey, type ResealAsked, type ResealPage, type Sealed } from "@fieldlog/sealing";
import { resealSecret, subscription } from "../decisions/subscription.js";
import type { Row } from "./namespace-rows.js";
import type { Secrets } from "./secrets.js";
import type { SubscriptionTable } from "./table.js";

export interface ResealingParts {
  readonly aggregates: Aggregates;
  readonly table: Pick<SubscriptionTable, "all" | "upToDate">;
  readonly secrets: Pick<Secrets, "resealed">;
}

/** Seals webhooks' secrets anew, each subscription's by a decision; in the order of `namespace/id`. */
export class Resealing {
  constructor(private readonly parts: ResealingParts) {}

  async page({ after, limit, check, decidedBy }: ResealAsked): Promise<ResealPage> {
    const { aggregates, table, secrets } = this.parts;
    if (after === "") await table.upToDate();
    const behind = [...table.all()].filter((row) => row.state.webhook !== undefined && placeOf(row) > after);
    const page = behind.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1)).slice(0, limit);
    let resealed = 0;
    for (const { namespace, id } of check ? [] : page) {
      const decide = resealSecret((box) => secrets.resealed(box, namespace, id));
      const { appended } = await aggregates.transact(subscription, { namespace, id }, decide, decidedBy);
      if (appended) resealed += 1;
    }
    const last = page.at(-1);
    const next = last === undefined || page.length === behind.length ? "" : placeOf(last);
    return { found: countByKey(page.flatMap(boxesOf)), resealed, next };
  }
}

function placeOf({ namespace, id }: Row): string {
  return `${namespace}/${id}`;
}

function boxesOf({ state: { webhook } }: Row): Sealed[] {
  if (webhook === undefined) return [];
  return webhook.previous === undefined ? [webhook.secret] : [webhook.secret, webhook.previous.secret];
}
