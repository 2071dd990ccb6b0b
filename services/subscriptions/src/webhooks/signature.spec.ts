import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { secretBytes, signatureHeaders } from "./signature.js";

const SECRET = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const OTHER = `whsec_${Buffer.alloc(24, 8).toString("base64")}`;
const body = Buffer.from('{"type":"tick","data":{"text":"grüße"}}');

describe("a signature", () => {
  it("is what the specification's own library verifies", () => {
    const headers = signatureHeaders("m1", Date.now(), body, [secretBytes(SECRET)]);
    expect(new Webhook(SECRET).verify(body.toString(), headers)).toMatchObject({ type: "tick" });
    expect(() => new Webhook(OTHER).verify(body.toString(), headers)).toThrow();
    expect(() => new Webhook(SECRET).verify(`${body}x`, headers)).toThrow();
    expect(() => new Webhook(SECRET).verify(body.toString(), { ...headers, "webhook-id": "m2" })).toThrow();
  });

  it("is verified with either secret while they are rotated", () => {
    const headers = signatureHeaders("m1", Date.now(), body, [secretBytes(OTHER), secretBytes(SECRET)]);
    for (const secret of [SECRET, OTHER]) new Webhook(secret).verify(body.toString(), headers);
  });
});
