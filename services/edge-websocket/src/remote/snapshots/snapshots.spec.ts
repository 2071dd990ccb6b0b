import { create } from "@bufbuild/protobuf";
import { limits, remote } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import type { Hello } from "../hello.js";
import { fakeSession } from "../session.fixture.js";
import { Snapshots } from "./snapshots.js";

const START = { startSnapshot: true };
const STOP = { stopSnapshot: true };
const JPEG = Buffer.from([0xff, 0xd8, 1, 2, 0xff, 0xd9]);
const frame = { snapshotFrame: JPEG.toString("base64") };

function camera(hello: Partial<Hello> = {}) {
  const { session, ...seen } = fakeSession(hello);
  const shown: Uint8Array[] = [];
  const clock = { ms: 1_000 };
  const host = { show: (_n: string, _d: string, jpeg: Uint8Array) => void shown.push(jpeg) };
  const snapshots = new Snapshots(session, { events: seen.events, host, now: () => clock.ms });
  const want = (resolution = "low", viewer = "v") =>
    snapshots.asked({
      case: "wantSnapshots",
      value: create(remote.WantSnapshotsSchema, { resolution, viewer }),
    });
  const stop = (viewer = "v") =>
    snapshots.asked({ case: "stopSnapshots", value: create(remote.StopSnapshotsSchema, { viewer }) });
  const later = (ms: number) => {
    clock.ms += ms;
    snapshots.tick(clock.ms);
  };
  return { ...seen, snapshots, shown, want, stop, later };
}

/** One that streams, because one looks. */
function streaming(resolution = "low") {
  const device = camera();
  device.want(resolution);
  device.snapshots.received({ snapshotStarted: true });
  return device;
}

describe("a camera", () => {
  it("streams as long as somebody looks", () => {
    const { want, later, sent, snapshots, told, shown, stop } = camera();
    expect(want()).toEqual({ status: { snapshotsStreaming: false } });
    snapshots.received({ snapshotStarted: true });
    snapshots.received(frame);
    later(limits.remoteWishMs);
    expect(want("low", "other")).toEqual({ status: { snapshotsStreaming: true } });
    stop();
    expect([sent, shown]).toEqual([[START], [JPEG]]);
    stop("other");
    snapshots.received(frame);
    snapshots.received({ snapshotStopped: true });
    expect([sent, shown.length]).toEqual([[START, STOP], 1]);
    expect(told).toEqual(["SnapshotStarted low", "SnapshotStopped"]);
  });

  it("stops when nobody renews his wish", () => {
    const { later, sent } = streaming();
    later(limits.remoteWishEndsMs - 1);
    expect(sent).toEqual([START]);
    later(1);
    expect(sent).toEqual([START, STOP]);
  });

  it("begins anew for who wants a higher resolution, and is not made worse for one who wants less", () => {
    const { want, sent, snapshots } = streaming();
    want("high", "other");
    expect(sent).toEqual([START, STOP]);
    snapshots.received({ snapshotStopped: true });
    expect(sent).toEqual([START, STOP, { ...START, resolution: "high" }]);
    snapshots.received({ snapshotStarted: true });
    want("low", "third");
    expect(sent).toHaveLength(3);
  });

  it("stops for everybody when that is asked for, and those who look are told", () => {
    const { want, sent, stop, snapshots } = streaming();
    expect(stop("")).toEqual({});
    snapshots.received({ snapshotStopped: true });
    expect([sent, want()]).toEqual([[START, STOP], { dismissed: true }]);
    want("low", "a new one");
    expect(sent).toEqual([START, STOP, START]);
  });

  it("that cannot stream is not asked", () => {
    const { want, sent } = camera({ supportsSnapshotStreaming: false });
    expect(() => want()).toThrow("the device cannot stream pictures");
    expect(sent).toEqual([]);
  });

  it("that fails says why once, and is asked again with the next wish", () => {
    const { want, later, sent, told, snapshots } = camera();
    const failure = { snapshotFailed: true, error: "Device is sampling, cannot start snapshot stream" };
    want();
    snapshots.received(failure);
    expect(() => want()).toThrow("Device is sampling");
    later(limits.remoteWishMs);
    want();
    snapshots.received(failure);
    expect([sent.length, told]).toEqual([2, [`SnapshotFailed ${failure.error}`]]);
  });

  it("that does not answer has failed", () => {
    const { want, later, told } = camera();
    want();
    later(limits.remoteAnswerMs - 1);
    want();
    later(1);
    expect(told).toEqual(["SnapshotFailed the device did not answer"]);
  });

  it("that goes, or does not answer when it is to stop, has stopped", () => {
    const gone = streaming();
    gone.snapshots.closed();
    gone.snapshots.closed();
    expect(gone.told).toEqual(["SnapshotStarted low", "SnapshotStopped the connection ended"]);
    const deaf = streaming();
    deaf.stop();
    deaf.later(limits.remoteAnswerMs);
    expect(deaf.told.at(-1)).toBe("SnapshotStopped the device did not answer");
  });

  it("that shows pictures without saying that it streams, streams", () => {
    const { want, snapshots, told, shown } = camera();
    want();
    snapshots.received(frame);
    snapshots.received({ snapshotStarted: true });
    expect([told, shown]).toEqual([["SnapshotStarted low"], [JPEG]]);
  });

  it("that shows pictures which nobody asked for is told to stop, now and then", () => {
    const { later, sent, snapshots, shown, told } = camera();
    later(20_000);
    for (let i = 0; i < 5; i++) snapshots.received(frame);
    expect([sent, shown, told]).toEqual([[STOP], [], []]);
    later(20_000);
    snapshots.received(frame);
    expect(sent).toEqual([STOP, STOP]);
  });

  it("that stops by itself is asked again when somebody still looks, and not at once", () => {
    const { want, later, sent, snapshots, told } = streaming();
    snapshots.received({ snapshotStopped: true });
    expect([sent, told.at(-1)]).toEqual([[START], "SnapshotStopped the device stopped"]);
    later(limits.remoteWishMs);
    want();
    expect(sent).toEqual([START, START]);
  });

  it("whose picture is none hears of it, and nobody else does", () => {
    const { snapshots, refused, shown } = streaming();
    snapshots.received({ snapshotFrame: Buffer.from("GIF89a").toString("base64") });
    snapshots.received({ snapshotFrame: { not: "a text" } });
    expect([refused, shown]).toEqual([["snapshotFrame: is not a JPEG", "snapshotFrame: must be a text"], []]);
  });

  it("that sends more pictures than anybody can see is passed over in part", () => {
    const { snapshots, shown } = streaming();
    for (let i = 0; i < 100; i++) snapshots.received(frame);
    expect(shown).toHaveLength(30);
  });
});
