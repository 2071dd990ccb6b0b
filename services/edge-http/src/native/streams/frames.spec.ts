import type { LoggedEvent } from "@fieldlog/events";
import fc from "fast-check";
import { expect, it } from "vitest";
import { eventFrame, firstFrame, positionFrame } from "./frames.js";

const frameOf = (json: string, position = 7) =>
  eventFrame({ position, json: () => Buffer.from(json) } as LoggedEvent).toString();

it("an event is a block of three lines, whatever its JSON looks like, and means the same", () => {
  const spaces = fc.constantFrom("", "\n", "\r\n", "\r", "\t", "  ");
  fc.assert(
    fc.property(fc.jsonValue(), spaces, (value, space) => {
      const json = space + JSON.stringify(value, undefined, space === "" ? undefined : space) + space;
      const lines = frameOf(json.replaceAll("\n", space.includes("\r") ? space : "\n")).split(/\r\n|\r|\n/);
      expect(lines).toHaveLength(5);
      expect(lines.slice(0, 2)).toEqual(["id: 7", "event: event"]);
      expect(JSON.parse((lines[2] ?? "").slice("data: ".length))).toEqual(JSON.parse(JSON.stringify(value)));
      expect(lines.slice(3)).toEqual(["", ""]);
    }),
  );
});

it("the same event is the same bytes for all", () => {
  const event = { position: 1, json: () => Buffer.from("{}") } as LoggedEvent;
  expect(eventFrame(event)).toBe(eventFrame(event));
});

it("a position alone is a block without data", () => {
  expect(positionFrame(4_096)).toBe("id: 4096\n\n");
  expect(firstFrame(0)).toBe("retry: 1000\nid: 0\n\n");
});
