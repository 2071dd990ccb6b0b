import { describe, expect, it } from "vitest";
import { createLogger, nestLogger } from "./logger.js";

function logged(level = "info") {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger("auth", level, {
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  return { logger, lines };
}

describe("the logger", () => {
  it("writes one JSON line with level, time and service", () => {
    const { logger, lines } = logged();
    logger.info({ device: "7" }, "registered");
    expect(lines).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        service: "auth",
        device: "7",
        msg: "registered",
      },
    ]);
  });

  it("replaces secrets at any depth, in children and in errors", () => {
    const { logger, lines } = logged();
    const err = Object.assign(new Error("connect to postgres://me:hunter2@db failed"), {
      headers: { Authorization: "hunter2" },
    });
    logger.info({ a: { b: [{ clientSecret: "hunter2", api_key: "hunter2", name: "kept" }] } });
    logger.child({ internalToken: "hunter2" }).info("x");
    logger.error({ err });
    expect(JSON.stringify(lines)).not.toContain("hunter2");
    expect(lines[0]).toMatchObject({ a: { b: [{ clientSecret: "[redacted]", name: "kept" }] } });
    expect(lines[2]).toMatchObject({ err: { message: "connect to postgres://***@db failed" } });
  });

  it("survives values that JSON does not have", () => {
    const { logger, lines } = logged();
    const loop: Record<string, unknown> = { big: 2n ** 60n };
    loop["self"] = loop;
    logger.info(loop, "odd");
    expect(lines[0]).toMatchObject({ big: "1152921504606846976", msg: "odd" });
  });

  it("takes Nest's messages: wiring at debug, the rest at its level", () => {
    const { logger, lines } = logged();
    const nest = nestLogger(logger);
    nest.log("AppModule dependencies initialized", "InstanceLoader");
    nest.error("broke", "Error: broke\n  at x", "Router");
    nest.warn(new Error("odd"));
    expect(lines.map(({ level, msg, context }) => [level, msg, context])).toEqual([
      ["error", "broke", "Router"],
      ["warn", "odd", undefined],
    ]);
  });
});
