import { LoadsExceeded } from "@fieldlog/admission";
import { LogUnavailable, QueueFull } from "@fieldlog/event-log";
import { ObjectsUnavailable } from "@fieldlog/objects";
import { RemoteUnavailable } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";
import { expect, it } from "vitest";
import { refusalOf as csn } from "../csn/failure.js";
import { refusalOf as studio } from "../edge-impulse/studio/refusal.js";
import { refusalOf as spotflow } from "../spotflow/refusal.js";
import { notNow } from "./not-now.js";

it.each([
  [new LogUnavailable("away", 3), 3],
  [new RpcError("unavailable", "away", { retryAfterS: "7" }), 7],
  [new RpcError("deadline_exceeded", "slow"), 1],
  [new RpcError("aborted", "others were first"), 1],
  [new RpcError("cancelled", "stopping"), 1],
  [new LoadsExceeded("much"), 1],
  [new RemoteUnavailable(), 1],
  [new ObjectsUnavailable("away"), 5],
  [new RpcError("not_found", "no such device"), undefined],
  [new TypeError("broken"), undefined],
])("%s is to be asked again after %s s", (error, seconds) => {
  expect(notNow(error)).toBe(seconds);
});

it("a full queue says itself when", () => {
  expect(notNow(new QueueFull("n", 1, 1))).toBeGreaterThan(0);
});

it("what a dialect has words of its own for is told in these", () => {
  expect(spotflow(new RpcError("aborted", "others were first"))).toMatchObject({ status: 409 });
  expect(studio(new RpcError("aborted", "others were first"))).toMatchObject({ status: 503 });
  const csnRefusal = (code: "deadline_exceeded" | "unavailable") => csn(new RpcError(code, "slow"), "c");
  expect(csnRefusal("deadline_exceeded")).not.toEqual(csnRefusal("unavailable"));
});
