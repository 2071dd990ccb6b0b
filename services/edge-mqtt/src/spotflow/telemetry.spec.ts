import { limits } from "@fieldlog/contracts";
import { assert, property, string, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { readTelemetry } from "./telemetry.js";

const read = (bag: string, payload = "p") => readTelemetry(bag, Buffer.from(payload));
const NOTHING = { group: "", stream: "", batch: "", slice: "", message: "", chunk: "", site: "" };

describe("telemetry", () => {
  it("says in its properties what it is a part of", () => {
    const bag =
      "stream-group-name=g&stream-name=s%20t&site-id=x&batch-id=b%26&batch-slice-id=l&message-id=m&chunk-id=2&content-encoding=br";
    expect(read(bag).message).toMatchObject({
      ...{ group: "g", stream: "s t", site: "x", batch: "b&", slice: "l", message: "m", chunk: "2" },
      ...{ contentEncoding: "br", external: "", noPayload: false, payload: Buffer.from("p") },
    });
    expect(read("").message).toMatchObject({ ...NOTHING, payload: Buffer.from("p") });
  });

  it("may say only that something is complete", () => {
    expect(read("batch-id=b&complete-batch=true&ignore-payload=true", "ignored").message).toMatchObject({
      ...{ batch: "b", completesBatch: true, completesMessage: false, noPayload: true },
      payload: new Uint8Array(),
    });
    expect(read("batch-id=b&message-id=m&complete-message=true&ignore-payload=true").message).toMatchObject({
      ...{ completesBatch: false, completesMessage: true, noPayload: true },
    });
  });

  it("is known by what it is a part of, if it says so", () => {
    const identity = (bag: string) => read(bag).identity;
    const whole = identity("stream-name=s&batch-id=b&message-id=m");
    expect(whole).toMatch(/^stream\/[\w-]{43}$/);
    expect(identity("message-id=m&batch-id=b&stream-name=s")).toBe(whole);
    const others = ["message-id=m2", "message-id=m&chunk-id=1", "message-id=m&complete-message=true"];
    const all = others.map((rest) => identity(`stream-name=s&batch-id=b&${rest}`));
    expect(new Set([whole, ...all]).size).toBe(4);
    expect(identity("stream-name=s&batch-id=b")).toBe("");
    expect(identity("stream-name=s&message-id=m")).toBe("");
  });

  it("has its payload elsewhere, if that is what it says", () => {
    const bag = "has-externalized-payload=true";
    expect(read(bag, '{"link":"4f-2e"}').message).toMatchObject({
      external: "4f-2e",
      payload: new Uint8Array(),
    });
    for (const wrong of ['{"link":7}', '{"link":"../x/"}', "{", "null", "{}"]) {
      expect(read(bag, wrong).message).toMatchObject({ external: "", payload: Buffer.from(wrong) });
    }
  });

  it("keeps what has no meaning here, and takes what is not encoded as it stands", () => {
    expect(read("note=a%20b&$.ct=json&batch-id=50%").others).toEqual([
      ["note", "a b"],
      ["$.ct", "json"],
    ]);
    expect(read("batch-id=50%").message.batch).toBe("50%");
    expect(read("batch-id=a%00b").message.batch).toBe("a\ufffdb");
    const long = "x".repeat(limits.streamNameLength * 2);
    expect(read(`batch-id=${long}`).message.batch.length).toBe(limits.streamNameLength + 1);
  });

  it("raises nothing, whatever it is", () => {
    const any = string({ unit: "binary", maxLength: 200 });
    assert(property(any, uint8Array(), (bag, payload) => void readTelemetry(bag, payload)));
  }, 30_000);
});
