import type { registry } from "@fieldlog/contracts";
import { type Bounds, boundsOf, isPlace } from "../area.js";
import type { Facts } from "../facts.js";
import { Buckets } from "./buckets.js";
import type { Lookup, Place } from "./place.js";

/** The finest level's cells are 360 / 2 ** 20 degrees wide: about 40 m at the equator. */
const LEVELS = 21;

/**
 * By areas, in grids of which each halves the cells of the one before. An area lies in the finest grid whose cells
 * are no smaller than it: thus in four cells at most, or eight where it crosses the antimeridian.
 */
export class AreaLookup<N> implements Lookup<N> {
  private readonly cells = new Buckets<number, N>();
  /** How many areas each level has. */
  private readonly counts: number[] = new Array(LEVELS).fill(0);

  places({ area }: registry.EventFilter): Place<N>[] {
    if (!area) return [];
    const boxes = boundsOf(area);
    const levels = boxes.map(levelOf);
    const cells = new Set(boxes.flatMap((box, index) => cellsOf(box, levels[index] as number)));
    if (cells.size === 0) return [];
    const place = this.cells.place([...cells]);
    return [
      {
        load: place.load,
        put: (node) => {
          place.put(node);
          this.count(levels, 1);
        },
        take: (node) => {
          place.take(node);
          this.count(levels, -1);
        },
      },
    ];
  }

  find({ latitude, longitude }: Facts, found: (node: N) => void): void {
    if (!isPlace(latitude, longitude)) return;
    const [row, column] = [latitude as number, longitude as number];
    for (let level = 0; level < LEVELS; level++) {
      if (!this.counts[level]) continue;
      this.cells.find(cell(level, row, column), found);
      if (Math.abs(column) === 180) this.cells.find(cell(level, row, -column), found);
    }
  }

  private count(levels: readonly number[], by: number): void {
    for (const level of levels) this.counts[level] = (this.counts[level] ?? 0) + by;
  }
}

function levelOf({ south, west, north, east }: Bounds): number {
  const span = Math.max(north - south, east - west, 360 / 2 ** (LEVELS - 1));
  // A rounded logarithm must not choose cells that are smaller.
  return Math.min(LEVELS - 1, Math.max(0, Math.floor(Math.log2(360 / span) - 1e-9)));
}

function cellsOf({ south, west, north, east }: Bounds, level: number): number[] {
  return [south, north].flatMap((latitude) =>
    [west, east].map((longitude) => cell(level, latitude, longitude)),
  );
}

/** A number for the cell of a level; below 2 ** 53. */
function cell(level: number, latitude: number, longitude: number): number {
  const size = 360 / 2 ** level;
  const [row, column] = [Math.floor((latitude + 90) / size), Math.floor((longitude + 180) / size)];
  return (level * 2 ** 22 + row) * 2 ** 22 + column;
}
