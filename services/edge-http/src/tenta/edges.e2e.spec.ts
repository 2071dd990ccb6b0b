import { SOON_MS, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Person, Tenta } from "./tenta.fixture.js";

let tenta: Tenta;
let owner: Person;
let network: string;
/** Asks the other edge than the one that everything is done at. */
let elsewhere: (person: Person, method: string, path: string, body?: unknown) => Promise<number>;

beforeAll(async () => {
  tenta = await Tenta.start("tenta_edges", 2);
  const url = tenta.system.processes["edge-http-2"]?.url;
  elsewhere = async ({ token }, method, path, body) =>
    (await tenta.call(method, path, { token, url, body })).status;
  owner = await tenta.person("owner");
  network = await tenta.network(owner, "roof");
});
afterAll(() => tenta?.stop());

async function heard(what: string, work: () => Promise<boolean>): Promise<void> {
  const since = Date.now();
  await until(what, work);
  expect(Date.now() - since).toBeLessThan(SOON_MS);
}

describe("two edges", () => {
  it("know at once what was made at one of them", async () => {
    expect(await elsewhere(owner, "GET", `${network}/sensors`)).toBe(200);
    const sensor = await tenta.sensor(owner, network, "chimney");
    expect(await elsewhere(owner, "POST", `${sensor}/configurations`, {})).toBe(201);
    expect(await elsewhere(owner, "POST", `${network}/sensors`, { sensor_name: "chimney" })).toBe(409);
  });

  it("both soon stop what was ended at one of them", async () => {
    const guest = await tenta.person("guest");
    const member = `${network}/members/guest`;
    expect(await elsewhere(guest, "GET", network)).toBe(403);
    await owner.call("PUT", member, { role: "reader" });
    await heard("the guest may read", async () => (await elsewhere(guest, "GET", network)) === 200);
    await owner.call("DELETE", member);
    await heard("the guest may not", async () => (await elsewhere(guest, "GET", network)) === 403);

    const sensor = await tenta.sensor(owner, network, "gutter");
    expect(await elsewhere(owner, "GET", `${sensor}/logs`)).toBe(200);
    await owner.call("DELETE", sensor);
    await heard("the sensor is gone", async () => (await elsewhere(owner, "GET", `${sensor}/logs`)) === 404);

    await guest.call("DELETE", "/authentication");
    await heard("the session has ended", async () => (await elsewhere(guest, "GET", "/networks")) === 401);
  });
});
