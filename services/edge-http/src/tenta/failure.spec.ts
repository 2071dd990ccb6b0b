import { LoadsExceeded } from "@fieldlog/admission";
import { LogUnavailable, QueueFull } from "@fieldlog/event-log";
import { RpcError } from "@fieldlog/rpc";
import { describe, expect, it } from "vitest";
import { refusalOf } from "./failure.js";
import { refusalBody, refusals } from "./refusal.js";

describe("what went wrong elsewhere", () => {
  it.each([
    [new RpcError("invalid_argument", "no name", { field: "name" }), 400],
    [new RpcError("not_found", "no such user"), 404],
    [new RpcError("already_exists", "taken"), 409],
    [new RpcError("failed_precondition", "nobody would be owner"), 409],
    [new RpcError("resource_exhausted", "so many revisions"), 409],
    [new RpcError("unavailable", "away"), 503],
    [new RpcError("deadline_exceeded", "slow"), 503],
    [new LogUnavailable("away", 3), 503],
    [new QueueFull("n", 1, 1), 503],
    [new LoadsExceeded("much"), 503],
    [new RpcError("internal", "broken"), undefined],
    [new TypeError("broken"), undefined],
  ])("%s is told as %s", (error, status) => {
    const refusal = refusalOf(error);
    expect(refusal?.status).toBe(status);
    if (status === 503) expect(refusal?.retryAfterS).toBeGreaterThan(0);
  });

  it("is said in the words of both generations", () => {
    expect(JSON.parse(refusalBody(refusals.noNetwork()))).toEqual({
      ...{ detail: "Not Found", details: "Not Found", reason: "There is no such network." },
    });
  });
});
