/** The most bits that a cell has: some 2.4 m by 1.2 m at the equator. */
export const GEOCELL_BITS = 48;

/** Degrees. A place on the western or southern border is inside; one on the others is in the next cell, if there is one. */
export interface Bounds {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

/**
 * The cell of a place: a `0` or `1` for each halving of the earth, longitude first, `1` for the eastern and the
 * northern half. The text is a place and a resolution at once: a cell begins with the text of each that it lies in.
 *
 * @param latitude degrees, -90 to 90
 * @param longitude degrees, -180 to 180
 * @param bits how many halvings, 0 to {@link GEOCELL_BITS}
 * @returns undefined: there is no such place on earth
 */
export function geocellOf(latitude: number, longitude: number, bits = GEOCELL_BITS): string | undefined {
  const number = geocellNumber(latitude, longitude);
  return number === undefined ? undefined : geocellText(number, bits);
}

/** The cell of all {@link GEOCELL_BITS} as an unsigned integer, for storing: cells that lie together follow one another. */
export function geocellNumber(latitude: number, longitude: number): number | undefined {
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return undefined;
  let [west, east, south, north] = [-180, 180, -90, 90];
  let cell = 0;
  for (let bit = 0; bit < GEOCELL_BITS; bit += 2) {
    const meridian = (west + east) / 2;
    const parallel = (south + north) / 2;
    const eastern = longitude >= meridian;
    const northern = latitude >= parallel;
    if (eastern) west = meridian;
    else east = meridian;
    if (northern) south = parallel;
    else north = parallel;
    cell = cell * 4 + (eastern ? 2 : 0) + (northern ? 1 : 0);
  }
  return cell;
}

/** The first `bits` bits of a {@link geocellNumber}, as text. */
export function geocellText(number: number, bits = GEOCELL_BITS): string {
  return number.toString(2).padStart(GEOCELL_BITS, "0").slice(0, bits);
}

/** The {@link geocellNumber}s that lie in the cell: from the first to the last, both included. */
export function numbersIn(cell: string): { readonly first: number; readonly last: number } {
  return {
    first: Number.parseInt(cell.padEnd(GEOCELL_BITS, "0"), 2),
    last: Number.parseInt(cell.padEnd(GEOCELL_BITS, "1"), 2),
  };
}

/** @param cell as {@link isGeocell} knows it; the empty one is the earth */
export function boundsOf(cell: string): Bounds {
  let [west, east, south, north] = [-180, 180, -90, 90];
  for (let bit = 0; bit < cell.length; bit++) {
    const upper = cell[bit] === "1";
    if (bit % 2 === 0) {
      const meridian = (west + east) / 2;
      if (upper) west = meridian;
      else east = meridian;
    } else {
      const parallel = (south + north) / 2;
      if (upper) south = parallel;
      else north = parallel;
    }
  }
  return { west, east, south, north };
}

/** Whether the text is a cell; the empty one is the earth. */
export function isGeocell(text: string): boolean {
  return text.length <= GEOCELL_BITS && /^[01]*$/.test(text);
}
