import { describe, expect, it } from "vitest";
import { parseArguments, UsageError } from "./arguments.js";
import { usage } from "./usage.js";

describe("the arguments of npm start", () => {
  it("may be none", () => {
    expect(parseArguments([])).toEqual({ demo: false, help: false, credrc: undefined });
  });

  it("may ask for the demonstration or for help", () => {
    expect(parseArguments(["--demo"]).demo).toBe(true);
    expect(parseArguments(["-h"]).help).toBe(true);
  });

  it("may name a configuration file of cred's, or leave it to be found", () => {
    expect(parseArguments(["--credrc", "old/credrc", "--demo"])).toEqual({
      ...{ demo: true, help: false, credrc: "old/credrc" },
    });
    expect(parseArguments(["--credrc", "--demo"])).toMatchObject({ demo: true, credrc: "" });
    expect(parseArguments(["--credrc"]).credrc).toBe("");
  });

  it("may name a backup to begin with", () => {
    expect(parseArguments(["--restore", "kept"])).toMatchObject({ restore: "kept", demo: false });
    expect(() => parseArguments(["--restore"])).toThrow(UsageError);
  });

  it("may ask for processes, with replicas of each service or of some", () => {
    const wanted = (...args: string[]) => parseArguments(["--processes", ...args]).processes;
    const counts = (...args: string[]) => {
      const { replicas, natsServers } = wanted(...args) ?? {};
      return [replicas?.("auth"), replicas?.("projections"), natsServers];
    };
    expect(counts()).toEqual([1, 1, 3]);
    expect(counts("--replicas", "2", "--nats", "1")).toEqual([2, 2, 1]);
    expect(counts("--replicas", "projections=2,edge-http=3")).toEqual([1, 2, 3]);
    expect(parseArguments([]).processes).toBeUndefined();
  });

  it.each([
    [["--replicas", "2"], "--replicas goes with --processes"],
    [["--nats", "3"], "--nats goes with --processes"],
    [["--processes", "--nats", "2"], "--nats must be 1 or 3 (is 2)"],
    [["--processes", "--replicas", "0"], "--replicas must be a number from 1 to 9 (is 0)"],
    [["--processes", "--replicas", "12"], "--replicas must be a number from 1 to 9 (is 12)"],
    [["--processes", "--replicas", "auth"], "--replicas auth must be a number from 1 to 9 (is empty)"],
    [["--processes", "--replicas", "edges=2"], "there is no service edges, only auth, devices"],
  ])("are refused where they contradict each other or make no sense: %s", (args, reason) => {
    expect(() => parseArguments(args)).toThrow(UsageError);
    expect(() => parseArguments(args)).toThrow(reason);
  });

  it.each([["--demmo"], ["demo"]])("are refused when they mean nothing: %s", (argument) => {
    expect(() => parseArguments([argument])).toThrow(UsageError);
    expect(() => parseArguments([argument])).toThrow(/npm start -- --help/);
  });
});

it("the help names every setting with its default", () => {
  expect(usage()).toMatch(/FIELDLOG_HTTP_PORT\n.*Default: 8080/);
  expect(usage()).toMatch(/FIELDLOG_SIGNATURE_WINDOW_S\n.*Default: 900 s/);
});
