import { limits } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NoPicture, pictureIn } from "./picture.js";

const jpeg = (inside: Uint8Array = Uint8Array.of(1, 2)) => Buffer.from([0xff, 0xd8, ...inside, 0xff, 0xd9]);

describe("a picture", () => {
  it("is what begins and ends as a JPEG does", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (inside) => {
        expect(pictureIn(jpeg(inside).toString("base64"))).toEqual(jpeg(inside));
      }),
    );
    expect(pictureIn(jpeg().toString("base64").replaceAll("=", ""))).toEqual(jpeg());
  });

  it.each<[string, unknown]>([
    ["a number", 7],
    ["nothing", undefined],
    ["empty", ""],
    ["too short", Buffer.from([0xff, 0xd8, 0xd9]).toString("base64")],
    ["no base64", `${jpeg().toString("base64").slice(0, 4)}*!${jpeg().toString("base64").slice(4)}`],
    ["a PNG", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).toString("base64")],
    ["cut off", Buffer.from([0xff, 0xd8, 1, 2, 3, 4]).toString("base64")],
    ["too large", "A".repeat((limits.pictureBytes / 3) * 4 + 4)],
  ])("is not what is %s", (_, frame) => {
    expect(() => pictureIn(frame)).toThrow(NoPicture);
  });

  it("is nothing that anybody may make up", () => {
    fc.assert(
      fc.property(fc.anything(), (frame) => {
        expect(() => pictureIn(frame)).toThrow(NoPicture);
      }),
    );
  });
});
