import { describe, expect, it } from "vitest";
import { problem, staged } from "../staged.fixture.js";

const message = (position: number, more = {}) => ({
  ...{ position, topic: "tele/plug/STATE", device: "key:7", receivedAt: "2026-05-01T12:00:00Z" },
  ...{ qos: 1, retain: false, contentType: null, userProperties: [], payload: '{"on":true}' },
  ...more,
});

describe("messages tail", () => {
  it("begins behind what the log holds now, and follows", async () => {
    const { run, asked, said } = staged([
      { body: { messages: [], next: 8191 } },
      { body: { messages: [], next: null } },
      problem(503, { title: "Away" }),
      { body: { messages: [message(12288)], next: null } },
    ]);
    expect(await run("messages tail --topic tele/+/STATE --limit 1")).toBe(0);
    expect(asked.map(({ url }) => url.split("/messages")[1])).toEqual([
      "?after=latest",
      ...Array(3).fill("?after=8191&limit=1&topic=tele%2F%2B%2FSTATE"),
    ]);
    expect(said.out).toBe('2026-05-01 12:00:00Z  tele/plug/STATE  {"on":true}  by key:7  #12288\n');
    expect(said.err).toBe("Away; waiting\n");
  });

  it("goes on where a page found nothing and there is more, up to the end", async () => {
    const { run, asked, said } = staged([
      { body: { messages: [], next: 4096 } },
      { body: { messages: [message(8192, { payload: undefined, payloadBase64: "/wA=" })], next: 8192 } },
      { body: { messages: [message(8193, { payload: "", retain: true })], next: null } },
    ]);
    expect(await run("messages tail --from beginning --no-follow")).toBe(0);
    expect(asked.map(({ url }) => new URL(url).searchParams.get("after"))).toEqual(["0", "4096", "8192"]);
    expect(said.out.split("\n").map((line) => line.split("  ").slice(2).join("  "))).toEqual([
      "base64 /wA=  by key:7  #8192",
      "empty  retained  by key:7  #8193",
      "",
    ]);
  });

  it("cannot be made to move the cursor, and is an object per line for programs", async () => {
    const evil = message(4096, { topic: "a\u001b[2J", payload: "b\u0007\n" });
    const page = { body: { messages: [evil], next: null } };
    const { run, said } = staged([page, page]);
    await run("messages tail --from 0 --no-follow");
    expect(said.out).toContain("a\ufffd[2J  b\ufffd\ufffd  by");
    said.out = "";
    await run("messages tail --from 0 --no-follow --json");
    expect(JSON.parse(said.out)).toEqual(evil);
  });
});

describe("messages list", () => {
  it("collects up to the limit, and says that there are more", async () => {
    const { run, asked, said } = staged([
      { body: { messages: [message(4096)], next: 4100 } },
      { body: { messages: [message(8192)], next: 8192 } },
    ]);
    expect(await run("messages list -n test --after 7 --limit 2")).toBe(0);
    expect(asked.map(({ url }) => url.split("/v1/namespaces/test/messages")[1])).toEqual([
      "?after=7&limit=2",
      "?after=4100&limit=1",
    ]);
    expect(said.out).toContain("There are more: --limit, or --after 8192");
  });

  it("says when there are none, and refuses what is no position", async () => {
    const { run, said } = staged([{ body: { messages: [], next: null } }]);
    expect(await run("messages list")).toBe(0);
    expect(said.out).toBe("There are no such messages.\n");
    expect(await run("messages list --after now")).toBe(2);
  });
});

describe("devices", () => {
  it("create shows the password once, and how to use it", async () => {
    const { run, asked, said } = staged([{ status: 201, body: { id: "d-1", name: "boiler", secret: "s3" } }]);
    expect(await run("devices create boiler -n test")).toBe(0);
    expect(asked).toMatchObject([
      { method: "POST", url: "http://127.0.0.1:8080/v1/namespaces/test/devices", body: { name: "boiler" } },
    ]);
    expect(said.out).toContain("Created device boiler (id d-1)");
    expect(said.out).toContain("\ns3\n\nKeep it now");
    expect(said.out).toContain("mosquitto_pub -h 127.0.0.1 -u d-1 -P s3 -q 1 -t d-1/hello");
  });

  it("mqtt-password gives another one", async () => {
    const { run, asked, said } = staged([{ status: 201, body: { secret: "s4" } }]);
    expect(await run("devices mqtt-password 7/8 --json")).toBe(0);
    expect(asked[0]?.url).toBe("http://127.0.0.1:8080/v1/namespaces/default/devices/7%2F8/mqtt-password");
    expect(JSON.parse(said.out)).toEqual({ secret: "s4" });
  });

  it("show tells the newest values", async () => {
    const latestValues = { temperature: { value: 21.5, time: "2026-05-01T11:59:00Z" } };
    const { run, said } = staged([{ body: { id: "7", latestValues } }]);
    await run("devices show 7");
    expect(said.out).toContain("latest temperature  21.5 (2026-05-01 11:59:00Z)");
  });
});

describe("namespaces retention", () => {
  const kept = { measurementDays: null, logDays: 56 };

  it("shows it", async () => {
    const { run, asked, said } = staged([{ body: kept }]);
    expect(await run("namespaces retention roof")).toBe(0);
    expect(asked).toMatchObject([
      { method: "GET", url: "http://127.0.0.1:8080/v1/namespaces/roof/retention" },
    ]);
    expect(said.out).toBe("measurements  for ever\nlog entries   56 days\n");
  });

  it("sets what is given, and leaves the rest", async () => {
    const { run, asked, said } = staged([{ body: kept }, { body: { measurementDays: 3650, logDays: 56 } }]);
    expect(await run("namespaces retention roof --measurements 3650")).toBe(0);
    expect(asked[1]).toMatchObject({ method: "PUT", body: { measurementDays: 3650, logDays: 56 } });
    expect(said.out).toContain("3,650 days");
    const other = staged([{ body: kept }, { body: { measurementDays: null, logDays: null } }]);
    await other.run("namespaces retention roof --logs forever");
    expect(other.asked[1]).toMatchObject({ body: { measurementDays: null, logDays: null } });
  });

  it.each(["0", "36501", "1.5", "never"])("does not take %s days", async (text) => {
    const { run } = staged();
    expect(await run(`namespaces retention roof --logs ${text}`)).toBe(2);
  });
});
