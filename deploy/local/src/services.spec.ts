import { describe, expect, it } from "vitest";
import { chosenServices, services } from "./services.js";

describe("the services of a process", () => {
  it("are all of them, unless some are named", () => {
    expect(chosenServices(undefined)).toBe(services);
  });

  it("start in the order in which they always do, whatever the order of their names", () => {
    expect(chosenServices(["edge-http", "auth"]).map(({ name }) => name)).toEqual(["auth", "edge-http"]);
  });

  it("exist", () => {
    expect(() => chosenServices(["auth", "edges"])).toThrow("there is no edges, only auth, devices");
  });
});
