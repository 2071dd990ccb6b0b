import type { Place } from "./place.js";

/** Numbers in ascending order, each with something. */
export class Thresholds<N> {
  private readonly numbers: number[] = [];
  private readonly nodes: N[] = [];

  get size(): number {
    return this.numbers.length;
  }

  place(number: number): Place<N> {
    return {
      // Of thresholds, half hold for a number in their middle.
      load: this.numbers.length / 2,
      put: (node) => {
        const at = this.firstFrom(number);
        this.numbers.splice(at, 0, number);
        this.nodes.splice(at, 0, node);
      },
      take: (node) => {
        const at = this.nodes.indexOf(node, this.firstFrom(number));
        if (at < 0) return;
        this.numbers.splice(at, 1);
        this.nodes.splice(at, 1);
      },
    };
  }

  /** Those of numbers up to and including `most`. */
  upTo(most: number, found: (node: N) => void): void {
    const { numbers, nodes } = this;
    for (let at = 0; at < numbers.length && (numbers[at] as number) <= most; at++) found(nodes[at] as N);
  }

  /** Those of numbers from `least` on. */
  from(least: number, found: (node: N) => void): void {
    const { numbers, nodes } = this;
    for (let at = numbers.length - 1; at >= 0 && (numbers[at] as number) >= least; at--)
      found(nodes[at] as N);
  }

  private firstFrom(number: number): number {
    let [low, high] = [0, this.numbers.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.numbers[middle] as number) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
