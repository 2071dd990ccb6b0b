import { Buckets } from "./buckets.js";
import type { Place } from "./place.js";

/** Narrower ranges lie with those of this width: 2 ** -20. */
const FINEST = -20;

/** Ranges of numbers, each in the cells of a scale whose cells are as wide as it or up to twice as wide. */
export class Ranges<N> {
  /** By the power of two that is the width of the cells; then by cell. */
  private readonly scales = new Map<number, Buckets<number, N>>();

  get size(): number {
    return this.scales.size;
  }

  /** Both ends may belong to it. */
  place(least: number, most: number): Place<N> {
    const width = Math.min(Math.abs(most - least), Number.MAX_VALUE);
    const power = Math.max(FINEST, Math.ceil(Math.log2(width) + 1e-9));
    const scale = this.scales.get(power) ?? new Buckets<number, N>();
    const place = scale.place([...new Set([cell(least, power), cell(most, power)])]);
    return {
      load: place.load,
      put: (node) => {
        this.scales.set(power, scale);
        place.put(node);
      },
      take: (node) => {
        place.take(node);
        if (scale.size === 0) this.scales.delete(power);
      },
    };
  }

  find(number: number, found: (node: N) => void): void {
    for (const [power, scale] of this.scales) scale.find(cell(number, power), found);
  }
}

function cell(number: number, power: number): number {
  return Math.floor(number / 2 ** power);
}
