import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { listenAddress } from "./listen-address.js";
import { RpcError, rpcErrorOf, statusOf } from "./rpc-error.js";

function received(code: number, metadata = new Metadata()) {
  return Object.assign(new Error("13 INTERNAL: told"), { code, details: "told", metadata });
}

describe("any thrown value", () => {
  it("that is an RpcError stays itself", () => {
    const error = new RpcError("not_found", "no such device");
    expect(rpcErrorOf(error)).toBe(error);
  });

  it("that came over gRPC has its code by name, and every code has one", () => {
    for (const [name, code] of Object.entries(status)) {
      if (typeof code !== "number" || code === status.OK) continue;
      expect(rpcErrorOf(received(code))).toMatchObject({ code: name.toLowerCase(), message: "told" });
    }
    expect(rpcErrorOf(received(99)).code).toBe("unknown");
  });

  it("else is internal, with the original as its cause", () => {
    const cause = new TypeError("odd");
    expect(rpcErrorOf(cause)).toMatchObject({ code: "internal", cause });
    expect(rpcErrorOf("odd")).toMatchObject({ code: "internal", message: "odd" });
    expect(rpcErrorOf(Object.assign(new Error("file"), { code: "ENOENT" })).code).toBe("internal");
  });
});

describe("details", () => {
  it("survive the way", () => {
    const sent = statusOf(new RpcError("aborted", "busy", { sensor: "3", note: "ü" }));
    expect(rpcErrorOf(received(sent.code, sent.metadata)).details).toEqual({ sensor: "3", note: "ü" });
  });

  it("that nobody of ours wrote are ignored", () => {
    for (const bytes of ["", "{", "null", "7"]) {
      const metadata = new Metadata();
      metadata.set("fieldlog-details-bin", Buffer.from(bytes));
      expect(rpcErrorOf(received(13, metadata)).details).toEqual({});
    }
  });
});

it("a service listens on the port that its callers dial", () => {
  expect(listenAddress("auth:9101", "0.0.0.0")).toBe("0.0.0.0:9101");
  expect(listenAddress("127.0.0.1:9101", "::1")).toBe("[::1]:9101");
});
