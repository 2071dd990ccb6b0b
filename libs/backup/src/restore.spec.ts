import { expect, it } from "vitest";
import { checkVersion } from "./restore.js";

it("a backup of a later NATS is refused before anything is changed, one of an older is taken", () => {
  for (const [of, here] of [
    ["2.15.2", "2.10.27"],
    ["3.0.0", "2.15.2"],
  ] as const) {
    expect(() => checkVersion(of, here)).toThrow(`of NATS ${of}, and here is ${here}`);
  }
  for (const [of, here] of [
    ["2.10.27", "2.15.2"],
    ["2.15.3", "2.15.2"],
    ["2.99.0", "3.0.0"],
    ["", "2.10.27"],
    ["2.10.27", "unknown"],
  ] as const) {
    expect(() => checkVersion(of, here)).not.toThrow();
  }
});
