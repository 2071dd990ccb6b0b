import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { limits, remote } from "@fieldlog/contracts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pictures, type Resolution } from "./pictures.js";
import type { RemoteDevices } from "./remote-devices.js";

type Reply = MessageInitShape<typeof remote.RemoteReplySchema> | undefined | Error;

const CAMERA = { namespace: "n", device: "d" };
const STREAMING: Reply = { status: { snapshotsStreaming: true } };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A device that answers so, and what it was asked. */
function camera(reply: Reply) {
  const asked: string[] = [];
  const world = { reply, asked, frame: (_jpeg: Uint8Array) => {}, watched: 0 };
  const devices: Pick<RemoteDevices, "ask" | "watchFrames"> = {
    async ask(_namespace, _device, { case: name, value }) {
      asked.push(
        name === "wantSnapshots" ? `want ${(value as { resolution: string }).resolution}` : String(name),
      );
      if (world.reply instanceof Error) throw world.reply;
      return world.reply && create(remote.RemoteReplySchema, world.reply);
    },
    watchFrames(_namespace, _device, onFrame) {
      world.watched++;
      world.frame = onFrame;
      return () => {
        world.watched--;
      };
    },
  };
  const pictures = new Pictures(devices, Date.now);
  const look = (resolution: Resolution = "low", instead?: string) => {
    const viewer = { seen: 0, reason: "" };
    const ended = (reason: string) => {
      viewer.reason = reason;
    };
    const leave = pictures.watch(CAMERA, resolution, { show: () => viewer.seen++, ended }, instead);
    return { viewer, leave };
  };
  return { world, pictures, look };
}

describe("pictures", () => {
  it("are wished for once, however many look, and shown to all", async () => {
    const { world, pictures, look } = camera(STREAMING);
    const [one, two] = [look(), look()];
    await vi.advanceTimersByTimeAsync(0);
    expect([world.asked, world.watched, pictures.viewers]).toEqual([["want low"], 1, 2]);
    world.frame(Uint8Array.of(1));
    expect([one.viewer.seen, two.viewer.seen]).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(1_000 + limits.remoteWishMs);
    expect(world.asked).toEqual(["want low", "want low", "want low"]);
  });

  it("are as good as the one wants who wants the best", async () => {
    const { world, look } = camera(STREAMING);
    look("low");
    look("high");
    await vi.advanceTimersByTimeAsync(0);
    expect(world.asked).toEqual(["want low", "want high"]);
  });

  it("take the place of an earlier wish, once they are wished for", async () => {
    const { world, look } = camera(STREAMING);
    look("low", "earlier");
    expect(world.asked).toEqual(["want low"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(world.asked).toEqual(["want low", "stopSnapshots"]);
  });

  it("are not wished for any more when the last one has left", async () => {
    const { world, pictures, look } = camera(STREAMING);
    const [one, two] = [look(), look()];
    await vi.advanceTimersByTimeAsync(0);
    one.leave();
    one.leave();
    expect([world.watched, pictures.viewers]).toEqual([1, 1]);
    two.leave();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([world.watched, world.asked.at(-1), pictures.viewers]).toEqual([0, "stopSnapshots", 0]);
    expect(two.viewer.reason).toBe("");
  });

  it.each<[string, Reply]>([
    ["the device is not connected", undefined],
    ["no camera", { refused: "no camera" }],
    ["NATS is away", new Error("NATS is away")],
    ["the device sends no pictures", {}],
  ])("end when for half a minute %s", async (reason, reply) => {
    const { world, pictures, look } = camera(reply);
    const { viewer } = look();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(viewer.reason).toBe("");
    world.frame(Uint8Array.of(1));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(viewer.reason).toBe("");
    await vi.advanceTimersByTimeAsync(20_000);
    expect([viewer.reason, pictures.viewers, world.watched]).toEqual([reason, 0, 0]);
  });

  it("end at once when somebody stopped them, or the server stops", async () => {
    const { pictures, look } = camera({ dismissed: true });
    const { viewer } = look();
    await vi.advanceTimersByTimeAsync(0);
    expect(viewer.reason).toBe("somebody has stopped the pictures");
    const other = look();
    pictures.stop("the server stops");
    expect(other.viewer.reason).toBe("the server stops");
  });
});
