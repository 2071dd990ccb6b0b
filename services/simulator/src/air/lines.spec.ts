import { expect, it } from "vitest";
import { airLine } from "./lines.js";

const NOON = new Date(2026, 10, 21, 12, 0, 3);
const MARCH_4 = Date.UTC(2010, 2, 4, 7, 30) - Date.UTC(2010, 0);

it("shows the air and how long the acknowledgements took", () => {
  const weather = [
    { temperature: 8, pressure: 1000, wind: 3 },
    { temperature: 9, pressure: 1001, wind: 4 },
  ];
  const tally = { acknowledgedMs: [9, 4, 6], refused: 0, dropped: 0 };
  expect(airLine({ replay: MARCH_4, sensors: 2, connected: 2, weather, tally }, NOON)).toBe(
    "12:00:03       4 March 07:00     8.5 °C (8.0 to 9.0)    1000.5 hPa  wind 3.5 m/s  2 sensors  3 acknowledged in 6 ms",
  );
});

it("says what is missing", () => {
  const tally = { acknowledgedMs: [], refused: 2, dropped: 1 };
  expect(airLine({ replay: MARCH_4, sensors: 3, connected: 1, weather: [], tally }, NOON)).toBe(
    "12:00:03       4 March 07:00   nothing read back yet  1 of 3 sensors connected  nothing acknowledged  2 refused  1 dropped",
  );
});
