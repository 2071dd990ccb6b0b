import { expect, it } from "vitest";
import { copyFindings } from "./copies.js";

it("copies of a stream that differ are found", () => {
  const copy = (server: string, last: number, stream = "SIGNALS") => ({
    server,
    stream,
    messages: last,
    last,
  });
  expect(copyFindings([copy("nats-1", 9), copy("nats-2", 9), copy("nats-1", 3, "REGISTRY")])).toEqual([]);
  expect(copyFindings([copy("nats-1", 36), copy("nats-2", 9)])).toEqual([
    {
      ...{ what: "diverged", where: "NATS", who: "SIGNALS" },
      detail: "nats-1 has 36 messages up to 36, nats-2 has 9 messages up to 9",
    },
  ]);
});
