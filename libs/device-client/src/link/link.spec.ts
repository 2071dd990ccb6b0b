import { describe, expect, it } from "vitest";
import { parseConnection } from "../provisioning/connection-string.js";
import { connectionDue, registrationDue } from "../provisioning/due.js";
import { decodeBag, encodeBag, externalized } from "../streams/bag.js";
import { compress } from "../streams/compression.js";
import { Lane } from "../streams/lane.js";
import { BackOff } from "./back-off.js";
import { signatureOf } from "./offers.js";
import { encodeLevel, isFilter, matches } from "./topics.js";
import { Waiters } from "./waiters.js";
import { Window } from "./window.js";

describe("pauses", () => {
  it("double up to the longest, each between its half and its whole, and begin anew", () => {
    const of = (chance: number) => {
      const backOff = new BackOff({ firstMs: 100, mostMs: 500 }, () => chance);
      const pauses = [1, 2, 3, 4].map(() => backOff.next());
      backOff.reset();
      return [...pauses, backOff.next()];
    };
    expect([of(0), of(1)]).toEqual([
      [50, 100, 200, 250, 50],
      [100, 200, 400, 500, 100],
    ]);
  });
});

describe("the window", () => {
  it("has room by count and by bytes, for one at least, and takes off the oldest alone", () => {
    const window = new Window(3, 100);
    const first = window.add(11, 500);
    expect(window.hasRoom).toBe(false);
    window.settle(first);
    expect([window.takeSettled(), window.hasRoom]).toEqual([11, true]);
    const [a, b] = [window.add(12, 10), window.add(13, 10)];
    window.settle(b);
    expect([window.takeSettled(), window.settle(99)]).toEqual([0, undefined]);
    window.settle(a);
    expect(window.takeSettled()).toBe(13);
  });
});

describe("waiters", () => {
  it("are told in order of what arrived, was refused, dropped, or is left", async () => {
    const waiters = new Waiters();
    const outcome = (id: number) =>
      waiters.wait(id).then(
        () => "arrived",
        (error) => error.code,
      );
    const all = [4, 1, 2, 3].map(outcome);
    waiters.dropped(1);
    waiters.refuse(2, "no");
    waiters.arrived(3);
    await waiters.wait(3);
    waiters.close();
    expect(await Promise.all(all)).toEqual(["closed", "message-dropped", "message-refused", "arrived"]);
  });
});

describe("the lane", () => {
  it("stores in the order of the calls, whatever takes longer to be made ready", async () => {
    const lane = new Lane();
    const stored: string[] = [];
    const store = async (value: string) => void stored.push(value);
    let slow: (value: string) => void = () => {};
    const first = lane.run(new Promise<string>((resolve) => (slow = resolve)), store);
    const second = lane.run("second", store);
    const failed = lane.run(Promise.reject(new Error("no")), store);
    const last = lane.run("last", store);
    slow("first");
    await expect(failed).rejects.toThrow("no");
    await Promise.all([first, second, last]);
    expect(stored).toEqual(["first", "second", "last"]);
  });
});

describe("tokens", () => {
  it("are renewed as the reference says", () => {
    const minute = 60_000;
    const due = (life?: number) => registrationDue({ token: "", issuedAt: 0, expiresAt: life });
    expect([due(), due(20 * minute), due(30 * minute), due(600 * minute)]).toEqual([
      Number.POSITIVE_INFINITY,
      10 * minute,
      15 * minute,
      300 * minute,
    ]);
    const connection = parseConnection(
      "HostName=h;DeviceId=w:d:1;SharedAccessSignature=S sr=h&sig=a=",
      "h",
      0,
      100,
    );
    expect(connection).toMatchObject({ workspaceId: "w", deviceId: "d:1", signature: "S sr=h&sig=a=" });
    expect(connection && connectionDue(connection)).toBe(75);
    for (const wrong of ["", "DeviceId=w;SharedAccessSignature=s", "DeviceId=w:d"]) {
      expect(parseConnection(wrong, "h", 0, undefined)).toBeUndefined();
    }
  });
});

describe("property bags", () => {
  it("have the reference's names and order", () => {
    const ids = {
      streamGroup: "g",
      stream: "s",
      batchId: "b&1",
      batchSliceId: "x",
      messageId: "m",
      chunkId: "c",
    };
    const bag = encodeBag({ ...ids, compressed: true });
    const names = "stream-group-name=g&stream-name=s&batch-id=b%261&batch-slice-id=x&message-id=m&chunk-id=c";
    expect(bag).toBe(`${names}&content-encoding=br`);
    expect(externalized(bag)).toBe(`${bag}&has-externalized-payload=true`);
    expect(externalized("")).toBe("has-externalized-payload=true");
    expect(decodeBag("a=b%20c&%zz=1&d&")).toEqual({ a: "b c", "%zz": "1", d: "" });
  });
});

describe("compression", () => {
  it("leaves alone what does not become smaller", async () => {
    expect(compress(Buffer.from("a"), "fastest")).toEqual({ payload: Buffer.from("a"), compressed: false });
    expect(await compress(Buffer.alloc(40_000), "smallest-size")).toMatchObject({ compressed: true });
  });
});

describe("topics", () => {
  it("match as MQTT has it", () => {
    expect(matches("events/+/door", "events/gate/door")).toBe(true);
    expect([matches("events/#", "events"), matches("#", "$iothub/x"), matches("a/+", "a/b/c")]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isFilter("a/#/b"), isFilter("a+"), isFilter("a/+/#"), isFilter("")]).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(encodeLevel("a/b+ü%")).toBe("a%2Fb%2Bü%25");
  });
});

describe("signatures of offers", () => {
  it("are those of Standard Webhooks", () => {
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const body = Buffer.from('{"test": 2432232314}');
    expect(signatureOf(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.", body)).toBe(
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
  });
});
