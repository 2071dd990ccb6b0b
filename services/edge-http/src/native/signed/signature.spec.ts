import { limits } from "@fieldlog/contracts";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { isGenuine, readSignature } from "./signature.js";

const SECRET = Buffer.alloc(32, 7);
const OTHER = Buffer.alloc(32, 8);
const TIME = new Date(1_780_000_000_000);
const BODY = '{"name":"tick","data":"grüße"}';

function headersOf(body: string, id = "msg_1", secret = SECRET) {
  const written = `whsec_${secret.toString("base64")}`;
  return {
    "webhook-id": id,
    "webhook-timestamp": String(TIME.getTime() / 1000),
    "webhook-signature": new Webhook(written).sign(id, TIME, body),
  };
}
function check(headers: Record<string, string>, body: string | Uint8Array = BODY, secrets = [SECRET]) {
  const signature = readSignature(headers);
  return signature !== undefined && isGenuine(signature, Buffer.from(body), secrets);
}

describe("a signature", () => {
  it("is as the specification's own library makes it, whatever the body", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[\w:+=-]{1,100}$/), (body, id) => {
        expect(check(headersOf(body, id), body)).toBe(true);
      }),
    );
  });

  it("covers the id, the time and the body, and is of that secret", () => {
    const headers = headersOf(BODY);
    expect(check(headers)).toBe(true);
    expect(check(headers, `${BODY} `)).toBe(false);
    expect(check({ ...headers, "webhook-id": "msg_2" })).toBe(false);
    expect(check({ ...headers, "webhook-timestamp": "1780000001" })).toBe(false);
    expect(check(headers, BODY, [OTHER])).toBe(false);
    expect(check(headers, BODY, [OTHER, SECRET])).toBe(true);
  });

  it("may be one of several, of which some are of another version", () => {
    const good = headersOf(BODY)["webhook-signature"];
    const bad = headersOf(BODY, "msg_1", OTHER)["webhook-signature"];
    const among = (all: string) => check({ ...headersOf(BODY), "webhook-signature": all });
    expect(among(`v1a,abc ${bad} ${good}`)).toBe(true);
    expect(among(bad)).toBe(false);
    expect(among(`v2,${good.slice(3)}`)).toBe(false);
    expect(among(`${Array(8).fill(bad).join(" ")} ${good}`)).toBe(false);
  });

  it.each([
    ["a full stop in the id", { "webhook-id": "a.1780000000" }],
    ["a slash in the id", { "webhook-id": "a/0" }],
    ["no id", { "webhook-id": "" }],
    ["a long id", { "webhook-id": "x".repeat(limits.idLength) }],
    ["a time that is no number", { "webhook-timestamp": "now" }],
    ["a time with a fraction", { "webhook-timestamp": "1780000000.5" }],
    ["a time before 1970", { "webhook-timestamp": "-1" }],
    ["a short signature", { "webhook-signature": "v1,abcd" }],
    ["an empty signature", { "webhook-signature": "" }],
  ])("is not read with %s", (_, wrong) => {
    expect(readSignature({ ...headersOf(BODY), ...wrong })).toBeUndefined();
  });
});
