import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bytes, dbl, fieldsOf, heartbeat, len, num, signature } from "./hand.fixture.js";
import {
  type Client,
  hex,
  type Posted,
  post,
  register,
  sign,
  startWorld,
  status,
  type World,
} from "./world.fixture.js";

/** Every kind of value that a KeyValue may have. */
const pairs = {
  text: [...len(1, "text"), ...len(2, "\u00fc")],
  double: [...len(1, "double"), ...dbl(3, 1.5)],
  long: [...len(1, "long"), ...num(4, -(2n ** 60n))],
  bool: [...len(1, "bool"), ...num(5, 0)],
  empty: [...len(1, "empty"), ...len(2, "")],
};
const ok = len(1, num(1, 0));

let world: World;
let client: Client;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());
beforeEach(async () => {
  const data = [...len(4, "roof"), ...Object.values(pairs).flatMap((pair) => len(15, pair))];
  client = await register(world.edge, bytes(len(1, data), len(2, num(2, 0))));
});

const to = (action: string, more: number[] = [], by = sign(client), at = world.edge) =>
  post(at, `/api/v1/test/client/${action}/${client.id}`, bytes(signature(by), more));
const keys = (...names: string[]) => names.flatMap((name) => len(2, name));

describe("get-keyvalue", () => {
  it("answers with the values of the keys, in the order asked for, of the kind that they are", async () => {
    const names = ["bool", "text", "empty", "long", "double", "text"] as const;
    const posted = await to("get-keyvalue", keys(...names));
    expect(hex(posted.body)).toBe(hex(bytes(ok, ...names.map((name) => len(2, pairs[name])))));
    expect((await to("get-keyvalue")).csn).toEqual({ type: status.success, message: "" });
  });

  it("says which key does not exist, and gives none of the others", async () => {
    for (const name of ["missing", "__proto__", "constructor", ""]) {
      const posted = await to("get-keyvalue", keys("text", name));
      expect(posted.status).toBe(400);
      expect(posted.csn).toEqual({ type: status.invalidRequest, message: `Key "${name}" does not exist.` });
      expect(fieldsOf(posted.body).map(({ field }) => field)).toEqual([1]);
    }
    const many = await to("get-keyvalue", keys(...Array(257).fill("text")));
    expect(many).toMatchObject({ status: 400, csn: { type: status.invalidRequest } });
  });

  it("takes a message once, or the same again, from the client alone", async () => {
    const by = sign(client);
    const posted = await to("get-keyvalue", keys("text"), by);
    expect(hex((await to("get-keyvalue", keys("text"), by, world.other)).body)).toBe(hex(posted.body));
    const other = { ...by, date: by.date.replace(/.$/, by.date.endsWith("1") ? "2" : "1") };
    expect((await to("get-keyvalue", keys("text"), other)).csn.message).toContain("was used by another");
    const forged = { ...sign(client), secret: "0".repeat(64) };
    expect((await to("get-keyvalue", keys("text"), forged)).csn.message).toBe("Signature does not match.");
    const unsigned = await post(world.edge, `/api/v1/test/client/get-keyvalue/${client.id}`, bytes());
    expect(unsigned.csn.message).toBe("Missing required field: client_signature");
  });
});

describe("an update's key-values", () => {
  const update = (...pairs: number[][]) =>
    to(
      "update",
      len(
        2,
        pairs.flatMap((pair) => len(15, pair)),
      ),
    );

  it.each([
    ["a key that is empty", [...len(1, ""), ...len(2, "x")]],
    ["a pair without a key", len(2, "x")],
    ["a pair without a value", len(1, "x")],
    ["a number that is none", [...len(1, "x"), ...dbl(3, Number.NaN)]],
    ["a key that JavaScript keeps for itself", [...len(1, "__proto__"), ...len(2, "x")]],
  ])("refuses %s", async (_, pair) => {
    expect(await update([...pair])).toMatchObject({ status: 400, csn: { type: status.invalidRequest } });
  });
});

describe("edit-token", () => {
  it("answers with the page and its token, which no server sees, at the address that the client reached", async () => {
    const posted = await to("edit-token");
    const token = `${client.id}-${"t".repeat(64)}`;
    const url = `${world.edge.url}/edit#/clients/test/${client.id}?token=${token}`;
    expect(hex(posted.body)).toBe(hex(bytes(ok, len(2, url), len(3, token))));
  });

  it("needs a signature", async () => {
    const posted = await post(world.edge, `/api/v1/test/client/edit-token/${client.id}`, bytes());
    expect(posted.csn.message).toBe("Missing required field: client_signature");
  });
});

describe("metadata that somebody else changed", () => {
  const beat = (at = world.edge) => post(at, `/api/v1/test/heartbeat/${client.id}`, heartbeat(sign(client)));
  const said = ({ body }: Posted) => fieldsOf(body).find(({ field }) => field === 5)?.value;

  it("are told of with each heartbeat, at every edge, until the client has asked for them", async () => {
    expect(said(await beat())).toBeUndefined();
    await world.neighbours.rename("test", client.id, "cellar");
    for (const at of [world.edge, world.other]) {
      let posted = await beat(at);
      while (said(posted) === undefined) posted = await beat(at);
      expect(hex(posted.body)).toBe(hex(bytes(ok, num(3, 0), num(5, 1))));
    }
    const data = fieldsOf((await to("metadata")).body)[1]?.value as Uint8Array;
    expect(fieldsOf(data).find(({ field }) => field === 4)?.value).toEqual(
      new Uint8Array(Buffer.from("cellar")),
    );
    expect(said(await beat())).toBeUndefined();
    while (said(await beat(world.other)) !== undefined);
    const { confirmMetadata } = world.neighbours.calls;
    await to("metadata");
    expect(world.neighbours.calls["confirmMetadata"]).toBe(confirmMetadata);
  });
});

describe("what another service answers", () => {
  it.each([
    ["deadline_exceeded", 503, status.deadlineExceeded],
    ["unavailable", 503, status.datastoreError],
    ["aborted", 503, status.datastoreError],
    ["already_exists", 400, status.nameUnavailable],
    ["internal", 500, status.unknownError],
    ["unimplemented", 500, status.unknownError],
  ] as const)("%s is HTTP %i and status %i, whoever asks", async (code, http, type) => {
    const asked = [
      () => to("update", len(2, len(4, "other"))),
      () => post(world.edge, "/api/v1/test/client/create", bytes(len(1, len(4, "other")))),
      () => to("metadata"),
      () => to("get-keyvalue", keys("text")),
    ];
    for (const ask of asked) {
      for (const method of ["registerDevice", "updateDevice", "getDevice"]) {
        world.neighbours.failsWith.set(method, code);
      }
      const posted = await ask();
      world.neighbours.failsWith.clear();
      expect([posted.status, posted.csn.type]).toEqual([http, type]);
      expect(posted.headers.get("retry-after") !== null).toBe(http === 503);
      expect(posted.csn.message).not.toContain("failed:");
    }
  });

  it("when it has no secret for a new client, that leaves no client behind", async () => {
    const before = world.neighbours.devices.size;
    world.neighbours.failsWith.set("issueDeviceCredential", "unavailable");
    const refused = await post(world.edge, "/api/v1/test/client/create", bytes());
    expect([refused.status, refused.csn.type]).toEqual([503, status.datastoreError]);
    expect(world.neighbours.devices.size).toBe(before);
  });

  it("late or never is tried again with the same message, and then done once", async () => {
    const by = sign(client);
    const change = () => to("update", len(2, len(4, "once")), by);
    world.neighbours.failsWith.set("updateDevice", "deadline_exceeded");
    expect((await change()).csn.type).toBe(status.deadlineExceeded);
    expect((await change()).csn.type).toBe(status.success);
  });
});
