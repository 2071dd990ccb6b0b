/** What is refused about subscriptions. Each holds what its sender needs to know; `rpc.ts` tells it to callers. */
export class UnknownSubscription extends Error {
  override readonly name = "UnknownSubscription";
  constructor() {
    super("no such subscription");
  }
}

/** The owner, or the namespace, has as many as it may. */
export class TooManySubscriptions extends Error {
  override readonly name = "TooManySubscriptions";
  constructor(
    readonly whose: "owner" | "namespace",
    readonly limit: number,
  ) {
    super(`the ${whose} has ${limit} subscriptions already, which is the limit`);
  }
}

/** Only a webhook has a secret. */
export class NoWebhook extends Error {
  override readonly name = "NoWebhook";
  constructor() {
    super("the subscription is not delivered to a webhook");
  }
}
