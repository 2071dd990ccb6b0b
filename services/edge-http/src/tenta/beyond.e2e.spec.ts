import { request } from "node:http";
import { limits } from "@fieldlog/contracts";
import { until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { operations } from "./operations.js";
import { type Person, Tenta } from "./tenta.fixture.js";

// What goes beyond the original, and how both of its generations' clients see the edges of it.

let tenta: Tenta;
let owner: Person;
let network: string;
let sensor: string;

beforeAll(async () => {
  tenta = await Tenta.start("tenta_beyond");
  owner = await tenta.person("owner");
  network = await tenta.network(owner, "roof");
  sensor = await tenta.sensor(owner, network, "chimney");
});
afterAll(() => tenta?.stop());

const status = async (answer: Promise<{ status: number }>) => (await answer).status;

describe("tenta: roles", () => {
  it("say what a member may do, at once", async () => {
    const guest = await tenta.person("guest");
    const member = `${network}/members/guest`;
    const spare = await tenta.sensor(owner, network, "spare");
    const tries = async () => ({
      read: await status(guest.call("GET", `${sensor}/measurements`)),
      overview: await status(guest.call("GET", network)),
      rename: await status(guest.call("PUT", sensor, { sensor_name: "chimney" })),
      configure: await status(guest.call("POST", `${spare}/configurations`, {})),
      rotate: await status(guest.call("POST", `${spare}/secret`)),
      members: await status(guest.call("PUT", `${network}/members/owner`, { role: "owner" })),
    });
    expect(await tries()).toEqual({
      ...{ read: 403, overview: 403, rename: 403, configure: 403, rotate: 403, members: 403 },
    });
    const grant = (role: string) => owner.call("PUT", member, { role });
    expect(await grant("reader")).toMatchObject({
      status: 200,
      json: { user_identifier: guest.id, user_name: "guest", role: "reader" },
    });
    expect(await tries()).toEqual({
      ...{ read: 200, overview: 200, rename: 403, configure: 403, rotate: 403, members: 403 },
    });
    await grant("editor");
    expect(await tries()).toEqual({
      ...{ read: 200, overview: 200, rename: 200, configure: 201, rotate: 403, members: 403 },
    });
    expect(await status(guest.call("DELETE", spare))).toBe(403);
    await grant("owner");
    expect(await tries()).toEqual({
      ...{ read: 200, overview: 200, rename: 200, configure: 201, rotate: 201, members: 200 },
    });
    expect((await guest.call("GET", "/networks")).json).toMatchObject([
      { network_name: "roof", role: "owner" },
    ]);
    expect(await status(owner.call("DELETE", member))).toBe(204);
    expect((await tries()).read).toBe(403);
    expect((await guest.call("GET", "/networks")).json).toEqual([]);
    expect(await status(owner.call("DELETE", spare))).toBe(204);
  });

  it("are given to users that exist, and there is always an owner", async () => {
    await tenta.person("second");
    const put = (name: string, role: unknown) => owner.call("PUT", `${network}/members/${name}`, { role });
    expect(await status(put("stranger", "reader"))).toBe(404);
    expect(await status(put("second", "god"))).toBe(400);
    expect(await status(put("Second", "reader"))).toBe(400);
    expect(await status(put("second", "reader"))).toBe(200);
    expect((await owner.call("GET", `${network}/members`)).json).toEqual([
      { user_identifier: owner.id, user_name: "owner", role: "owner" },
      { user_identifier: expect.any(String), user_name: "second", role: "reader" },
    ]);
    expect(await status(put("owner", "reader"))).toBe(409);
    expect(await status(owner.call("DELETE", `${network}/members/owner`))).toBe(409);
    expect(await status(owner.call("DELETE", `${network}/members/stranger`))).toBe(404);
  });
});

describe("tenta: sessions", () => {
  it("end when their person logs out, and no other one with them", async () => {
    const body = { user_name: "owner", password: "12345678" };
    const { json } = await tenta.call("POST", "/authentication", { body });
    const token: string = json.access_token;
    expect(await status(tenta.call("GET", "/networks", { token }))).toBe(200);
    expect(await status(tenta.call("DELETE", "/authentication", { token }))).toBe(204);
    expect(await status(tenta.call("GET", "/networks", { token }))).toBe(401);
    expect(await status(tenta.call("DELETE", "/authentication", { token }))).toBe(401);
    expect(await status(owner.call("GET", "/networks"))).toBe(200);
  });
});

describe("tenta: sensors", () => {
  it("get a new password in place of the old one", async () => {
    const made = await owner.call("POST", `${network}/sensors`, { sensor_name: "gutter" });
    const { status: rotated, json } = await owner.call(
      "POST",
      `${network}/sensors/${made.json.sensor_identifier}/secret`,
    );
    expect(rotated).toBe(201);
    expect(json.sensor_secret).not.toBe(made.json.sensor_secret);
  });

  it("are gone when they are removed, and leave their name", async () => {
    const path = await tenta.sensor(owner, network, "antenna");
    await owner.call("POST", `${path}/configurations`, {});
    expect(await status(owner.call("DELETE", path))).toBe(204);
    expect(await status(owner.call("DELETE", path))).toBe(404);
    for (const what of ["configurations", "measurements", "logs", "logs/aggregates", "latest"]) {
      expect([what, await status(owner.call("GET", `${path}/${what}`))]).toEqual([what, 404]);
    }
    expect(await status(owner.call("PUT", path, { sensor_name: "mast" }))).toBe(404);
    const { json } = await owner.call("GET", `${network}/sensors`);
    expect(json.map((one: { sensor_name: string }) => one.sensor_name)).not.toContain("antenna");
    expect(await tenta.sensor(owner, network, "antenna")).not.toBe(path);
  });

  it("tell the newest value of each attribute, and when they were last heard", async () => {
    const path = await tenta.sensor(owner, network, "weathercock");
    const latest = async () => (await owner.call("GET", `${path}/latest`)).json;
    expect(await latest()).toEqual({ last_seen_timestamp: null, values: {} });
    await tenta.measured(
      path,
      [300, undefined, { north: 1, wind: 3 }],
      [200, undefined, { north: 0, rain: 5 }],
    );
    await until("they are there", async () => (await latest()).values.rain !== undefined);
    await until("it was heard", async () => (await latest()).last_seen_timestamp !== null);
    expect(await latest()).toEqual({
      last_seen_timestamp: expect.closeTo(Date.now() / 1000, -2),
      values: {
        north: { value: 1, creation_timestamp: 300 },
        wind: { value: 3, creation_timestamp: 300 },
        rain: { value: 5, creation_timestamp: 200 },
      },
    });
    await until("the list says so too", async () => {
      const { json } = await owner.call("GET", `${network}/sensors`);
      const found = json.find((one: { sensor_name: string }) => one.sensor_name === "weathercock");
      return found.last_seen_timestamp !== null;
    });
  });
});

describe("tenta: configurations", () => {
  it("that are posted at once get consecutive revisions, and the next reader sees them", async () => {
    const path = await tenta.sensor(owner, network, "many");
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => owner.call("POST", `${path}/configurations`, { n })),
    );
    expect(new Set(answers.map((one) => one.status))).toEqual(new Set([201]));
    const numbers = answers.map(({ json }) => json.revision as number).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, n) => n));
    const { json } = await owner.call("GET", `${path}/configurations`);
    expect(json).toHaveLength(20);
    for (const [n, { json: made }] of answers.entries()) expect(json[made.revision].value).toEqual({ n });
  });

  it("keep every digit, and are refused when they are too large or too deep", async () => {
    const path = await tenta.sensor(owner, network, "digits");
    const { token } = owner;
    const post = (body: string) => tenta.call("POST", `${path}/configurations`, { token, body });
    expect(await status(post('{"id": 12345678901234567890}'))).toBe(201);
    const response = await fetch(`${tenta.system.url}${path}/configurations`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await response.text()).toContain("12345678901234567890");
    expect(await status(post(JSON.stringify({ a: "x".repeat(limits.configurationBytes) })))).toBe(400);
    expect(await status(post(JSON.stringify({ a: "x".repeat(limits.bodyBytes) })))).toBe(413);
    expect(await status(post(`{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}`))).toBe(400);
  });
});

describe("tenta: pages", () => {
  it.each([64, 65, 129])("hold 64 of %i, in ascending order, whichever way one goes", async (count) => {
    const path = await tenta.sensor(owner, network, `pages-${count}`);
    const all = Array.from({ length: count }, (_, n) => n);
    await Promise.all([
      tenta.measured(path, ...all.map((n) => [n, undefined, { n }] as [number, undefined, { n: number }])),
      tenta.logged(path, ...all.map((n) => ({ occurredAt: n, severity: "info", message: String(n) }))),
    ]);
    for (const n of all) {
      expect((await owner.call("POST", `${path}/configurations`, { n })).json.revision).toBe(n);
    }
    for (const [what, cursor] of [
      ["measurements", "creation_timestamp"],
      ["logs", "creation_timestamp"],
      ["configurations", "revision"],
    ] as const) {
      const page = async (query: string): Promise<number[]> => {
        const { json } = await owner.call("GET", `${path}/${what}?${query}`);
        return json.map((one: Record<string, number>) => one[cursor]);
      };
      await until("the newest is there", async () => (await page("direction=previous")).at(-1) === count - 1);
      const forth: number[] = [];
      for (let query = "direction=next"; ; query = `direction=next&${cursor}=${forth.at(-1)}`) {
        const next = await page(query);
        forth.push(...next);
        expect(next.length).toBeLessThanOrEqual(64);
        if (next.length < 64) break;
      }
      expect(forth).toEqual(all);
      const back: number[] = [];
      for (let query = "direction=previous"; ; query = `direction=previous&${cursor}=${back[0]}`) {
        const before = await page(query);
        back.unshift(...before);
        if (before.length < 64) break;
      }
      expect(back).toEqual(all);
    }
  });
});

describe("tenta: the door", () => {
  it("looks at the request first, then at who asks, then for the thing, then at the role", async () => {
    const stranger = await tenta.person("stranger-too");
    const upper = network.toUpperCase().replace("/NETWORKS", "/networks");
    const none = "/networks/575a7328-4e2e-4b88-afcc-e0b5ed3920cc";
    expect(await status(tenta.call("GET", `${upper}/sensors`))).toBe(400);
    expect(await status(tenta.call("GET", `${network}/sensors?limit=1`))).toBe(400);
    expect(await status(tenta.call("GET", `${sensor}/logs?creation_timestamp=nan`))).toBe(400);
    expect(await status(tenta.call("GET", `${sensor}/measurements?aggregate=maybe`))).toBe(400);
    expect(await status(tenta.call("POST", `${network}/sensors`, { body: { sensor_name: "X" } }))).toBe(400);
    expect(await status(tenta.call("DELETE", sensor, { body: { a: 1 } }))).toBe(400);
    expect(await status(tenta.call("DELETE", sensor, { body: "{}" }))).toBe(401);
    expect(await status(tenta.call("GET", `${none}/sensors`))).toBe(401);
    expect(await status(stranger.call("GET", `${none}/sensors`))).toBe(404);
    expect(await status(stranger.call("GET", `${network}/sensors`))).toBe(403);
    expect(await status(stranger.call("GET", `${sensor.slice(0, -1)}0/logs`))).toBeOneOf([403, 404]);
  });

  it("reads what a GET carries, which must be nothing", async () => {
    const get = (body: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { authorization: `Bearer ${owner.token}`, "content-length": String(body.length) };
        request(`${tenta.system.url}/networks`, { method: "GET", headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end(body);
      });
    expect(await get("{}")).toBe(200);
    expect(await get('{"a":1}')).toBe(400);
    expect(await get("nonsense")).toBe(400);
  });

  it("answers in its own words what its paths do not have, and leaves other paths to others", async () => {
    for (const path of [
      "/networks/",
      "/networks/a/b/c",
      "/users/7",
      "/status/x",
      "/networks/%zz",
      "/users?x=%zz",
    ]) {
      const missing = await tenta.call("DELETE", path);
      expect([path, missing.status]).toEqual([path, path.startsWith("/users?") ? 405 : 404]);
    }
    const wrong = await tenta.call("PATCH", "/networks");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST, GET, HEAD"]);
    expect(wrong.json.details).toBe("Method Not Allowed");
    const elsewhere = await fetch(`${tenta.system.url}/network`);
    expect(await elsewhere.json()).toEqual({ status: "ERR", message: "404 page not found" });
    const head = await fetch(`${tenta.system.url}/status`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("lets pages of any origin ask", async () => {
    const headers = {
      ...{ origin: "https://dashboard.example.org", "access-control-request-method": "PUT" },
      "access-control-request-headers": "authorization,content-type",
    };
    for (const path of ["/networks", sensor, "/networks/whatever/else"]) {
      const preflight = await fetch(`${tenta.system.url}${path}`, { method: "OPTIONS", headers });
      expect(preflight.status).toBe(200);
      expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
      expect(preflight.headers.get("access-control-allow-methods")).toContain("PUT");
      expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization,content-type");
    }
    expect(await status(tenta.call("OPTIONS", "/networks"))).toBe(405);
    for (const path of ["/status", "/networks"]) {
      const { headers: answered } = await tenta.call("GET", path);
      expect(answered.get("access-control-allow-origin")).toBe("*");
    }
  });

  it("takes so many log-ins from one address, and no more", async () => {
    const body = { user_name: "nobody-at-all", password: "12345678" };
    let refused: Awaited<ReturnType<typeof tenta.call>> | undefined;
    for (let n = 0; n < limits.loginBurst + 20 && refused === undefined; n++) {
      const answer = await tenta.call("POST", "/authentication", { body });
      if (answer.status === 429) refused = answer;
      else expect(answer.status).toBe(404);
    }
    expect(refused?.json.details).toBe("Too Many Requests");
    expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await status(owner.call("GET", "/networks"))).toBe(200);
  });

  it("was asked for everything that it has", async () => {
    for (const path of ["/status", `${sensor}/logs/aggregates`]) await owner.call("GET", path);
    expect([...tenta.done].sort()).toEqual(Object.keys(operations).sort());
  });
});
