import { describe, expect, it } from "vitest";
import { staged } from "../staged.fixture.js";

const BASE = "http://127.0.0.1:8080/v1/namespaces";
const operation = {
  ...{ id: "op-1", verificationCode: "K7QP-3M4X", state: "pending", device: null, askedDevice: "porch-1" },
  ...{ address: "10.0.0.7", attributes: { serial: "7\u001b[2J" } },
  ...{ begunAt: "2026-05-01T12:00:00Z", expiresAt: "2026-05-02T12:00:00Z" },
};
const token = {
  ...{ id: "t-1", name: "fleet", enabled: true, createdAt: "2026-05-01T12:00:00Z", expiresAt: null },
  ...{ registrations: 3, mostRegistrations: 10 },
};

describe("devices that want in", () => {
  it("are listed, those that wait unless asked otherwise", async () => {
    const { run, asked, said } = staged([
      { body: { operations: [operation] } },
      { body: { operations: [] } },
    ]);
    expect(await run("provisioning list")).toBe(0);
    expect(asked[0]?.url).toBe(`${BASE}/default/provisioning-operations?limit=100&state=pending`);
    expect(said.out).toMatch(/K7QP-3M4X +porch-1 +pending +10\.0\.0\.7 +serial=7\ufffd\[2J/);
    expect(await run("provisioning list -n test --state any --limit 5")).toBe(0);
    expect(asked[1]?.url).toBe(`${BASE}/test/provisioning-operations?limit=5`);
  });

  it("are approved by code, under an id and for a time, or cancelled", async () => {
    const approved = { ...operation, state: "approved", device: "cellar-2" };
    const { run, asked, said } = staged([{ body: operation }, { body: approved }, { body: operation }, {}]);
    expect(await run("provisioning approve k7qp-3m4x --device cellar-2 --lifetime 30d")).toBe(0);
    const path = `${BASE}/default/provisioning-operations`;
    expect(asked.map(({ url }) => url)).toEqual([`${path}/k7qp-3m4x`, `${path}/op-1/approve`]);
    expect(asked[1]?.body).toEqual({ device: "cellar-2", registrationLifetimeS: 2_592_000 });
    expect(said.out).toContain("device cellar-2");
    expect(await run("provisioning cancel K7QP-3M4X")).toBe(0);
    expect(asked[3]).toMatchObject({ method: "POST", url: `${path}/op-1/cancel` });
    expect(await run("provisioning approve K7QP-3M4X --lifetime soon")).toBe(2);
  });
});

it("a namespace is disabled, with a reason, and enabled", async () => {
  const { run, asked, said } = staged([{}, {}]);
  expect(await run("namespaces disable test --reason unpaid")).toBe(0);
  expect(asked[0]).toMatchObject({
    ...{ method: "POST", url: `${BASE}/test/disable`, body: { reason: "unpaid" } },
  });
  expect(await run("namespaces enable test")).toBe(0);
  expect(asked[1]).toMatchObject({ method: "POST", url: `${BASE}/test/enable`, body: {} });
  expect(said.out).toBe("Disabled test.\nEnabled test.\n");
});

describe("provisioning tokens", () => {
  it("are made, shown once, listed, renewed and disabled", async () => {
    const { run, asked, said } = staged([
      { status: 201, body: { ...token, token: "pt_secret" } },
      { body: { tokens: [token, { ...token, id: "t-2", enabled: false }] } },
      { body: { ...token, token: "pt_other" } },
      {},
    ]);
    expect(
      await run("provisioning token create --name fleet --registrations 10 --approved --device lock-7"),
    ).toBe(0);
    const path = `${BASE}/default/provisioning-tokens`;
    expect(asked[0]).toMatchObject({
      ...{ method: "POST", url: path },
      body: { name: "fleet", registrations: 10, deviceIdMode: "either", device: "lock-7", approved: true },
    });
    expect(said.out).toContain("pt_secret\n");
    expect(await run("provisioning token list")).toBe(0);
    expect(said.out).toMatch(/t-1 +fleet +2026-05-01 12:00:00Z +3 of 10 +good\n/);
    expect(said.out).toMatch(/t-2 .*disabled\n/);
    expect(await run("provisioning token regenerate t-1")).toBe(0);
    expect(said.out).toContain("pt_other\n");
    expect(await run("provisioning token disable t-1")).toBe(0);
    expect(asked[3]).toMatchObject({ method: "POST", url: `${path}/t-1/disable` });
  });
});
