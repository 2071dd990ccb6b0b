/** One earthquake of the list. */
export interface Quake {
  readonly id: string;
  /** Origin time in the list: ms since 1970 UTC. */
  readonly time: number;
  readonly magnitude: number;
  /** Degrees, north positive. */
  readonly latitude: number;
  /** Degrees, east positive. */
  readonly longitude: number;
  /** Below sea level; a few lie above it and are negative. */
  readonly depthKm: number;
  readonly place: string;
}

/** A line of the list that is not what the header promises. */
export class CatalogueError extends Error {
  override readonly name = "CatalogueError";
  constructor(
    readonly line: number,
    readonly text: string,
  ) {
    super(`line ${line} of the earthquake list is not readable: ${text}`);
  }
}

const COLUMNS = "time_ms,id,magnitude,longitude,latitude,depth_km,place";
const ROW = /^(\d+),([^,]+),([^,]*),([^,]+),([^,]+),([^,]*),(?:"((?:[^"]|"")*)"|([^",]*))$/;

/**
 * The earthquakes of a CSV list in order of time. Those whose magnitude is not given are left out.
 * Raises CatalogueError for a line that does not follow the header.
 */
export function parseCatalogue(csv: string): Quake[] {
  const [header, ...lines] = csv.split(/\r?\n/);
  if (header !== COLUMNS) throw new CatalogueError(1, header ?? "");
  const quakes: Quake[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === "") continue;
    const row = ROW.exec(line);
    if (!row) throw new CatalogueError(index + 2, line);
    const [time, magnitude, longitude, latitude, depthKm] = [row[1], row[3], row[4], row[5], row[6]].map(
      Number,
    ) as [number, number, number, number, number];
    if (![time, magnitude, longitude, latitude, depthKm].every(Number.isFinite)) {
      throw new CatalogueError(index + 2, line);
    }
    if (row[3] === "") continue;
    const place = (row[7] ?? row[8] ?? "").replaceAll('""', '"');
    quakes.push({ id: row[2] ?? "", time, magnitude, longitude, latitude, depthKm, place });
  }
  return quakes.sort((a, b) => a.time - b.time);
}
