import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { limits } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { PictureStream } from "./picture-stream.js";

const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);

/** A viewer whose connection takes more at once, or does not. */
function viewer(takes: boolean) {
  const written: string[] = [];
  const state = { takes, destroyed: false, writableEnded: false };
  const response = Object.assign(new EventEmitter(), {
    writeHead: () => undefined,
    write(chunk: string | Uint8Array) {
      written.push(Buffer.from(chunk as Uint8Array).toString("latin1"));
      return state.takes;
    },
    end: () => {
      state.writableEnded = true;
    },
    destroy: () => {
      state.destroyed = true;
    },
  });
  Object.defineProperty(response, "destroyed", { get: () => state.destroyed });
  Object.defineProperty(response, "writableEnded", { get: () => state.writableEnded });
  const clock = { ms: 0 };
  const stream = new PictureStream(response as unknown as ServerResponse, () => clock.ms);
  const pictures = () => written.filter((text) => text === JPEG.toString("latin1")).length;
  return { stream, response, state, written, pictures };
}

describe("motion JPEG", () => {
  it("has the boundary behind each picture with it", () => {
    const { stream, written } = viewer(true);
    stream.begin();
    stream.show(JPEG);
    expect(written.join("")).toBe(
      `--picture\r\ncontent-type: image/jpeg\r\ncontent-length: 4\r\n\r\n${JPEG.toString("latin1")}\r\n--picture\r\n`,
    );
  });

  it("goes on when what was written has left, and not before", () => {
    const { stream, response, pictures } = viewer(false);
    for (let i = 0; i < 5; i++) stream.show(JPEG);
    expect(pictures()).toBe(1);
    response.emit("drain");
    expect(pictures()).toBe(2);
  });

  it("ends for one who takes nothing for too long, and not for one who is shown nothing", () => {
    const stuck = viewer(false);
    stuck.stream.show(JPEG);
    stuck.stream.tick(limits.uploadIdleMs - 1);
    expect(stuck.state.destroyed).toBe(false);
    stuck.stream.tick(limits.uploadIdleMs);
    expect(stuck.state.destroyed).toBe(true);
    const idle = viewer(true);
    idle.stream.show(JPEG);
    idle.stream.tick(10 * limits.uploadIdleMs);
    expect(idle.state.destroyed).toBe(false);
  });

  it("shows nothing more to one who is told that it is over", () => {
    const { stream, pictures, state } = viewer(true);
    stream.ended();
    stream.show(JPEG);
    expect([state.writableEnded, pictures()]).toEqual([true, 0]);
  });
});
