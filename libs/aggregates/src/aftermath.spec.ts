import { type EventLog, type FollowOptions, type Group, LogUnavailable } from "@fieldlog/event-log";
import { createMetrics } from "@fieldlog/runtime";
import { expect, it } from "vitest";
import { Aftermath } from "./aftermath.js";

/** A log that is away for so many questions. */
function logAway(times: number) {
  let asked = 0;
  const group = {
    follow: ({ signal }: FollowOptions) =>
      new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
  };
  const log: Pick<EventLog, "group"> = {
    group: async () => {
      if (asked++ < times) throw new LogUnavailable("it is away");
      return group as Group;
    },
  };
  return { log, asked: () => asked };
}

function aftermath(log: Pick<EventLog, "group">) {
  const warned: string[] = [];
  const logger = { warn: (_: unknown, message: string) => warned.push(message) };
  const made = new Aftermath({
    ...{ log, name: "test", kinds: ["upload"], follows: async () => undefined },
    ...{ logger: logger as never, metrics: createMetrics() },
  });
  return { made, warned };
}

it("waits for a log that is away when it starts", async () => {
  const { log, asked } = logAway(1);
  const { made, warned } = aftermath(log);
  await made.start();
  expect(asked()).toBe(2);
  expect(warned).toEqual(["waiting for the log"]);
  await made.stop();
});

it("is stopped while it waits", async () => {
  const { made } = aftermath(logAway(Number.POSITIVE_INFINITY).log);
  const starting = expect(made.start()).rejects.toThrow(LogUnavailable);
  await made.stop();
  await starting;
});
