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

  it.each([["--demmo"], ["demo"]])("are refused when they mean nothing: %s", (argument) => {
    expect(() => parseArguments([argument])).toThrow(UsageError);
    expect(() => parseArguments([argument])).toThrow(/npm start -- --help/);
  });
});

it("the help names every setting with its default", () => {
  expect(usage()).toMatch(/FIELDLOG_HTTP_PORT\n.*Default: 8080/);
  expect(usage()).toMatch(/FIELDLOG_SIGNATURE_WINDOW_S\n.*Default: 900 s/);
});
