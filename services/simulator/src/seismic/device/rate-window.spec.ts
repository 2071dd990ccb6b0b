import { describe, expect, it } from "vitest";
import { RateWindow } from "./rate-window.js";

describe("RateWindow", () => {
  it("counts the picks of the last ten minutes", () => {
    const rates = new RateWindow(0);
    for (const time of [1_000, 300_000, 700_000]) rates.add(time);
    expect(rates.at(700_000)).toEqual({ count: 2, windowS: 600 });
  });

  it("is as long as the device has been running", () => {
    expect(new RateWindow(10_000).at(55_000)).toEqual({ count: 0, windowS: 45 });
  });
});
