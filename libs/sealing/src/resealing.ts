import { CannotOpen, type Sealed } from "./sealing-key.js";
import type { Sealing, SealingKeys } from "./sealing-keys.js";

/** Which boxes are looked at: fieldlog.sealing.v1.ResealRequest. */
export interface ResealAsked {
  /** How many at most, about. */
  readonly limit: number;
  /** `next` of the page before; empty: from the beginning. */
  readonly after: string;
  /** They are counted, and left as they are. */
  readonly check: boolean;
  readonly decidedBy: string;
}

/** What became of them: fieldlog.sealing.v1.ResealResponse. */
export interface ResealPage {
  /** How many boxes were found, by the id of the key that they named then. */
  readonly found: Record<string, number>;
  readonly resealed: number;
  /** Empty: these were the last. */
  readonly next: string;
}

/** SealingService's answer: which keys the service has, and what the page holds unless none is asked for. */
export function resealing(keys: SealingKeys, page: (asked: ResealAsked) => Promise<ResealPage>) {
  return async (asked: ResealAsked) => {
    const nothing: ResealPage = { found: {}, resealed: 0, next: "" };
    return { keyIds: keys.ids, ...(asked.limit === 0 ? nothing : await page(asked)) };
  };
}

/** The box sealed by the key that seals now; undefined: it is, or none of the keys opens it. */
export function resealed(sealing: Sealing, box: Sealed, context: string): Sealed | undefined {
  if (box.keyId === sealing.id) return undefined;
  try {
    const plain = sealing.open(box, context);
    const anew = sealing.seal(plain, context);
    plain.fill(0);
    return anew;
  } catch (error) {
    if (error instanceof CannotOpen) return undefined;
    throw error;
  }
}

/** Boxes by the id of the key that they name. */
export function countByKey(boxes: Iterable<Sealed>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { keyId } of boxes) counts[keyId] = (counts[keyId] ?? 0) + 1;
  return counts;
}
