import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problem, staged } from "./staged.fixture.js";
import type { World } from "./world.js";

describe("sim", () => {
  const runs: { args: readonly string[]; key: string | undefined }[] = [];
  const world = (code = 0): Partial<World> => ({
    run: async (_program, [main = "", ...args], env) => {
      expect(main).toMatch(/simulator.*main\.js$/);
      runs.push({ args, key: env["FIELDLOG_ADMIN_KEY"] });
      return code;
    },
  });
  beforeEach(() => {
    runs.length = 0;
  });

  it("hands its options on to the simulator, with the server's address and key", async () => {
    const { run } = staged([], world());
    expect(await run("sim air --sensors 5 --url http://127.0.0.1:1 --speed 60")).toBe(0);
    expect(await run("sim --stations 5")).toBe(0);
    const local = ["--url", "http://127.0.0.1:8080"];
    expect(runs).toEqual([
      { args: ["air", "--url", "http://127.0.0.1:1", "--sensors", "5", "--speed", "60"], key: "fl_admin" },
      { args: ["seismic", ...local, "--stations", "5"], key: "fl_admin" },
    ]);
  });

  it("lets the simulator say how it is used", async () => {
    const { run } = staged([], { ...world(), env: {} });
    expect(await run("sim air --help")).toBe(0);
    expect(runs[0]?.args).toEqual(["air", "--help"]);
  });

  it("fails when the simulator does", async () => {
    const { run, said } = staged([], world(3));
    expect(await run("sim air")).toBe(1);
    expect(said.err).toContain("the simulator ended with 3");
  });
});

describe("access", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "fieldlog-cli-"));
    mkdirSync(join(folder, ".fieldlog", "secrets"), { recursive: true });
    mkdirSync(join(folder, "deep", "inside"), { recursive: true });
    writeFileSync(join(folder, ".fieldlog", "secrets", "admin-key"), "fl_from_file\n");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is this machine's server and the key that was left in a folder above", async () => {
    const { run, asked } = staged([{ body: { namespaces: [] } }], {
      env: {},
      cwd: join(folder, "deep", "inside"),
    });
    expect(await run("namespaces list")).toBe(0);
    expect(asked).toEqual([
      { method: "GET", url: "http://127.0.0.1:8080/v1/namespaces", authorization: "Bearer fl_from_file" },
    ]);
  });

  it("prefers what is given: --url and --key, then the environment", async () => {
    const env = { FIELDLOG_PUBLIC_URL: "https://log.example.org/", FIELDLOG_ADMIN_KEY: "fl_env" };
    const { run, asked } = staged([{ body: { namespaces: [] } }, { body: { namespaces: [] } }], {
      env,
      cwd: folder,
    });
    await run("namespaces list");
    await run("--key fl_given namespaces list --url http://other:81");
    expect(asked.map(({ url, authorization }) => [url, authorization])).toEqual([
      ["https://log.example.org/v1/namespaces", "Bearer fl_env"],
      ["http://other:81/v1/namespaces", "Bearer fl_given"],
    ]);
  });

  it("never sends the local installation's key to another server", async () => {
    const { run, asked, said } = staged([], { env: {}, cwd: folder });
    expect(await run("namespaces list --url https://elsewhere.example.org")).toBe(1);
    expect(asked).toEqual([]);
    expect(said.err).toContain("is not sent to elsewhere.example.org");
  });

  it("without any key says how to come by one", async () => {
    const { run, said } = staged([], { env: {}, cwd: "/" });
    expect(await run("namespaces list")).toBe(1);
    expect(said.err).toContain("npm start");
  });
});

describe("a refusal", () => {
  it("is told with what is wrong and what to do next", async () => {
    const { run, said } = staged([
      problem(400, {
        title: "Not valid",
        detail: "/x: Unknown field",
        errors: [
          { field: "name", detail: "must be small letters" },
          { pointer: "/x", message: "unknown field" },
        ],
      }),
    ]);
    expect(await run("namespaces create Roof")).toBe(1);
    expect(said.err).toBe("error: /x: Unknown field\n  - name: must be small letters\n");
  });

  it.each([
    [problem(401, { title: "Unauthenticated" }), "The key comes from FIELDLOG_ADMIN_KEY."],
    [problem(403, { title: "Forbidden" }), "The admin key may."],
    [problem(503, { title: "Unavailable" }, { "retry-after": "2" }), "Try again in 2 s."],
    [problem(502, {}), "the server answered 502"],
    [
      Object.assign(new TypeError("fetch failed"), { cause: { code: "ECONNREFUSED" } }),
      "Is Fieldlog running",
    ],
  ])("%#: has a hint", async (answer, hint) => {
    const { run, said } = staged([answer]);
    expect(await run("namespaces list")).toBe(1);
    expect(said.err).toContain(hint);
  });

  it("is JSON for programs", async () => {
    const { run, said } = staged([problem(404, { title: "No such device" })]);
    expect(await run("devices show 7 --json")).toBe(1);
    expect(JSON.parse(said.err)).toMatchObject({ error: { message: "No such device", status: 404 } });
    expect(said.out).toBe("");
  });

  it("of the command line itself ends with 2", async () => {
    const { run, said } = staged();
    expect(await run("keys create")).toBe(2);
    expect(await run("keys create --permission all")).toBe(2);
    expect(await run("keys create --kind cred")).toBe(2);
    expect(await run("keys create --permission read --expires yesterday")).toBe(2);
    expect(await run("events tail --from somewhere")).toBe(2);
    expect(await run("nothing")).toBe(2);
    expect(said.err).toContain("--permission");
  });
});

describe("keys", () => {
  it("create shows the key once and how to revoke it", async () => {
    const { run, asked, said } = staged([
      { status: 201, body: { id: "k1", key: "fl_secret", kind: "native" } },
    ]);
    expect(await run("keys create -n test --permission read --name board --expires 30d")).toBe(0);
    expect(asked[0]).toMatchObject({
      method: "POST",
      url: "http://127.0.0.1:8080/v1/namespaces/test/api-keys",
      body: { kind: "native", permission: "read", name: "board", expires: "2026-05-31T12:00:00.000Z" },
    });
    expect(said.out).toBe(
      "fl_secret\n\nKeep it now: it is not shown again. To revoke it: fieldlog keys revoke -n test k1\n",
    );
  });

  it("of boards need no permission; those that sign are shown again", async () => {
    const key = { id: "h1", name: "boards", key: "0f".repeat(16), createdAt: "2026-04-01T00:00:00Z" };
    const { run, asked, said } = staged([
      { status: 201, body: { id: "k1", key: "ei_secret", kind: "edge-impulse" } },
      { body: { keys: [{ ...key, expiresAt: null }] } },
    ]);
    expect(await run("keys create --kind edge-impulse")).toBe(0);
    expect(asked[0]?.body).toEqual({ kind: "edge-impulse" });
    expect(await run("keys hmac -n test")).toBe(0);
    expect(asked[1]?.url).toBe("http://127.0.0.1:8080/v1/namespaces/test/hmac-keys");
    expect(said.out).toContain(`h1  boards  ${key.key}`);
  });

  it("list and revoke those of the whole installation", async () => {
    const keys = [
      { id: "k1", name: "first", kind: "native", permission: "admin", createdAt: "2026-04-01T00:00:00Z" },
      { id: "k2", kind: "native", permission: "read", expiresAt: "2026-05-01T11:00:00Z" },
      { id: "k3", kind: "native", permission: "read", revokedAt: "2026-04-02T00:00:00Z" },
    ];
    const { run, asked, said } = staged([{ body: { keys } }, { status: 204 }]);
    await run("keys list --all-namespaces");
    expect(said.out).toBe(
      [
        "ID  NAME   KIND    PERMISSION  CREATED               STATE",
        "k1  first  native  admin       2026-04-01 00:00:00Z  good",
        "k2         native  read                              expired 2026-05-01 11:00:00Z",
        "k3         native  read                              revoked 2026-04-02 00:00:00Z",
        "",
      ].join("\n"),
    );
    expect(await run("keys revoke k1 --all-namespaces")).toBe(0);
    expect(asked[1]).toMatchObject({ method: "DELETE", url: "http://127.0.0.1:8080/v1/api-keys/k1" });
  });
});

describe("devices", () => {
  it("list goes through the pages up to the limit and says that there are more", async () => {
    const page = (from: number, length: number, next: string | null) => ({
      body: { devices: Array.from({ length }, (_, index) => ({ id: String(from + index) })), next },
    });
    const { run, asked, said } = staged([
      ...[page(1, 500, "500"), { body: { devices: [{ device: "7", state: "late" }] } }],
      ...[page(501, 100, "600"), problem(503, {})],
    ]);
    expect(await run("devices list --limit 600")).toBe(0);
    expect(asked.map(({ url }) => url.split("/default")[1])).toEqual(
      ["?limit=500", "?limit=100&after=500"].flatMap((query) => [`/devices${query}`, `/liveness${query}`]),
    );
    expect(said.out).toMatch(/^7 +.*late *$/m);
    expect(said.out.split("\n")).toHaveLength(604);
    expect(said.out).toContain("There are more: --limit, or --after 600");
  });

  it("show tells of one device, and cannot be made to move the cursor", async () => {
    const device = {
      id: "7",
      dialect: "csn",
      lastSeenAt: "2026-05-01T11:59:20Z",
      eventCount: 1234567,
      metadata: { name: "cellar\u001b[2J", locationDescription: "below", properties: { rack: 3 } },
      sensors: [
        { id: "0", sensorType: "accelerometer-3-axis", details: { units: "g", calibrated: true } },
        { id: "1", sensorType: "temperature", removed: true },
      ],
    };
    const { run, said, asked } = staged([{ body: device }]);
    expect(await run("devices show ../7")).toBe(0);
    expect(asked[0]?.url).toContain("/devices/..%2F7");
    expect(said.out).toBe(
      [
        "id                    7",
        "name                  cellar\ufffd[2J",
        "dialect               csn",
        "last seen             40 s ago (2026-05-01 11:59:20Z)",
        "events                1,234,567",
        "location description  below",
        "property rack         3",
        "",
        "SENSOR  TYPE                  DETAILS",
        "0       accelerometer-3-axis  units g, calibrated true",
        "1       temperature                                     removed",
        "",
      ].join("\n"),
    );
  });

  it("list as JSON is what the server answered, with each one's state", async () => {
    const state = { body: { devices: [{ device: "7", state: "active" }], next: null } };
    const { run, said } = staged([{ body: { devices: [{ id: "7", new: true }], next: null } }, state]);
    await run("devices list --json");
    expect(JSON.parse(said.out)).toEqual({ devices: [{ id: "7", new: true, state: "active" }], next: null });
  });
});

describe("subscriptions list", () => {
  it("says who is connected, who is behind and what fails", async () => {
    const status = {
      connected: true,
      lag: { events: 0, seconds: 0 },
      delivered: 7,
      failures: 0,
      lastError: null,
    };
    const one = { id: "a1", name: "x", owner: "key:k", delivery: "poll", disabled: null };
    const delivery = { webhook: { url: "https://hooks.example" } };
    const subscriptions = [
      { ...one, status: { ...status, lastDeliveryAt: "2026-05-01T11:59:50Z" } },
      {
        ...one,
        id: "b2",
        delivery,
        status: { ...status, failures: 2, lastError: "answered 500", lag: { events: 9 } },
      },
      { ...one, id: "c3", disabled: { reason: "answered 410" }, status },
    ];
    const { run, said } = staged([{ body: { subscriptions, next: null } }]);
    expect(await run("subscriptions list")).toBe(0);
    const lines = said.out.split("\n").map((line) => line.replaceAll(/ +/g, " "));
    expect(lines.slice(1)).toEqual([
      "a1 x key:k poll connected 0 7 10 s ago",
      "b2 x key:k webhook https://hooks.example failing: answered 500 9 7 never",
      "c3 x key:k poll disabled: answered 410 0 7 never",
      "",
    ]);
  });
});

describe("subscriptions create", () => {
  it("asks for a webhook, and shows its secret", async () => {
    const { run, asked, said } = staged([{ status: 201, body: { id: "a1", secret: "whsec_abc" } }]);
    const line =
      'subscriptions create --filter {"names":["a*"]} --webhook https://h.example --batch 5 --from 40';
    expect(await run(line)).toBe(0);
    expect(asked[0]?.body).toEqual({
      filter: { names: ["a*"] },
      ...{ from: 40, delivery: { webhook: { url: "https://h.example", batch: 5 } } },
    });
    expect(said.out).toContain("Created subscription a1.\nIts requests are signed with whsec_abc\n");
    expect(await run("subscriptions create --filter {names:1}")).toBe(2);
  });
});

describe("dead letters", () => {
  it("drop asks first, and without anybody to ask needs --yes", async () => {
    const { run, asked, said } = staged([{ body: { dropped: 3 } }]);
    expect(await run("dead-letters drop 7 --read-model events")).toBe(1);
    expect(asked).toEqual([]);
    expect(await run("dead-letters drop 7 --read-model events --yes")).toBe(0);
    expect(asked[0]?.body).toEqual({ readModel: "events", namespace: "default", device: "7" });
    expect(said.out).toBe("Dropped 3; device 7 goes on.\n");
  });

  it("retry says whether the device goes on", async () => {
    const { run, said } = staged([
      { body: { applied: 2, remaining: 1 } },
      { body: { applied: 1, remaining: 0 } },
    ]);
    await run("dead-letters retry 7 --read-model events -n test");
    await run("dead-letters retry 7 --read-model events -n test");
    expect(said.out).toBe(
      "Still parked: 2 applied, 1 wait. Why: fieldlog dead-letters list\nApplied 1; device 7 goes on.\n",
    );
  });
});

it("help teaches with examples", async () => {
  const { run, said } = staged();
  expect(await run("--help")).toBe(0);
  expect(await run("events tail --help")).toBe(0);
  expect(said.out).toContain("$ fieldlog events tail --from beginning --type pick");
  expect(said.out).toContain("Global Options:");
});
