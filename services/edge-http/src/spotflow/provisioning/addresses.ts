import { Budget } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { LRUCache } from "lru-cache";
import { refusals } from "../refusal.js";

interface Counted {
  readonly budget: Budget;
  /** When wrong provisioning tokens came, the oldest first: ms since 1970 UTC. */
  wrong: number[];
}

/** How often an address may ask, and how often with a provisioning token that is none: it could be guessing. */
export class Addresses {
  private readonly counted = new LRUCache<string, Counted>({ max: limits.provisioningAddresses });

  /** @param now ms since 1970 UTC */
  constructor(private readonly now: () => number) {}

  /** Raises Refusal 429. */
  check(address: string): void {
    const now = this.now();
    const { budget, wrong } = this.of(address);
    if (!budget.take(now)) throw refusals.tooMany(1);
    const recent = wrong.filter((time) => time > now - limits.wrongCodesMs);
    const [oldest] = recent;
    if (oldest !== undefined && recent.length >= limits.wrongCodes) {
      throw refusals.tooMany(Math.ceil((oldest + limits.wrongCodesMs - now) / 1_000));
    }
  }

  /** A provisioning token was none, or is good no more. */
  wrong(address: string): void {
    const of = this.of(address);
    of.wrong = [...of.wrong, this.now()].slice(-limits.wrongCodes);
  }

  private of(address: string): Counted {
    const known = this.counted.get(address);
    if (known !== undefined) return known;
    const { provisioningPerSecond, provisioningBurst } = limits;
    const begun = { budget: new Budget(provisioningPerSecond, provisioningBurst), wrong: [] };
    this.counted.set(address, begun);
    return begun;
  }
}
