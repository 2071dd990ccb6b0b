/** The weather at one place and moment. */
export interface Weather {
  /** °C. */
  readonly temperature: number;
  /** hPa, at the level of the sea. */
  readonly pressure: number;
  /** m/s. */
  readonly wind: number;
}

/** A line of the list that is not what the header promises. */
export class NormalsError extends Error {
  override readonly name = "NormalsError";
  constructor(
    readonly line: number,
    readonly text: string,
  ) {
    super(`line ${line} of the weather list is not readable: ${text}`);
  }
}

const HOUR_MS = 3_600_000;
export const YEAR_MS = 365 * 24 * HOUR_MS;
/** The year in which the list gives its hours; they stand for any. */
const YEAR = 2010;
const COLUMNS = "date,pressure,temperature,wind";
const ROW = /^(2010-\d\d-\d\dT\d\d:00:00),(\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/;

/** A year of weather: what is normal at each of its hours. */
export class Normals {
  private constructor(private readonly hours: readonly Weather[]) {}

  /** Hours that the list lacks are as the ones before them. Raises NormalsError. */
  static parse(csv: string): Normals {
    const [header, ...lines] = csv.split(/\r?\n/);
    if (header !== COLUMNS) throw new NormalsError(1, header ?? "");
    const hours: Weather[] = [];
    for (const [index, line] of lines.entries()) {
      if (line === "") continue;
      const [, date, pressure, temperature, wind] = ROW.exec(line) ?? [];
      const hour = (Date.parse(`${date}Z`) - Date.UTC(YEAR, 0)) / HOUR_MS;
      if (!Number.isInteger(hour)) throw new NormalsError(index + 2, line);
      hours[hour] = {
        temperature: Number(temperature),
        pressure: Number(pressure),
        wind: Number(wind),
      };
    }
    let before = hours.findLast((hour) => hour !== undefined);
    if (!before) throw new NormalsError(2, "no hours");
    const year = Array.from({ length: YEAR_MS / HOUR_MS }, (_, hour) => {
      before = hours[hour] ?? before;
      return before as Weather;
    });
    return new Normals(year);
  }

  /** The weather so many milliseconds after the year's begin, between two hours a mixture of both; past the end it begins again. */
  at(ms: number): Weather {
    const since = ((ms % YEAR_MS) + YEAR_MS) % YEAR_MS;
    const hour = Math.floor(since / HOUR_MS);
    const share = since / HOUR_MS - hour;
    const [from, to] = [this.hours[hour], this.hours[(hour + 1) % this.hours.length]] as [Weather, Weather];
    const between = (key: keyof Weather) => from[key] + (to[key] - from[key]) * share;
    return {
      temperature: between("temperature"),
      pressure: between("pressure"),
      wind: between("wind"),
    };
  }
}

/** Milliseconds since the year's begin, of which 29 February is no part: where a replay begins that is to show the present season. */
export function sinceNewYear(date: Date): number {
  const day = new Date(date);
  day.setUTCFullYear(YEAR);
  return day.getTime() - Date.UTC(YEAR, 0);
}
