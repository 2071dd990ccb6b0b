import type { SnapshotTables } from "@fieldlog/aggregates";
import { devices, limits } from "@fieldlog/contracts";
import { openReadDatabase } from "@fieldlog/read-model";
import { RpcError, RpcServer, type ServiceImpl } from "@fieldlog/rpc";
import { until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SCHEMA } from "./read-model.js";
import { INTERNAL_TOKEN, kept, type Replica, startPair } from "./replica.fixture.js";
import { OperationList } from "./service/provisioning/operation-list.js";
import { hashOf } from "./service/secret-hash.js";

type Devices = ServiceImpl<typeof devices.DevicesService>;

let pair: Awaited<ReturnType<typeof startPair>>;
let devicesServer: RpcServer;
let one: Replica["provisioning"];
let two: Replica["provisioning"];
/** Devices that were registered. */
const registered = new Set<string>();
/** All tokens that were issued. */
const secrets: string[] = [];

beforeAll(async () => {
  // Stands for the service: nothing else is asked of it.
  const ensureDevice: Devices["ensureDevice"] = async ({ device }) => {
    if (device === "of-another") throw new RpcError("failed_precondition", "it is of another dialect");
    registered.add(device);
    return {};
  };
  const options = { address: "127.0.0.1:0", token: INTERNAL_TOKEN };
  devicesServer = new RpcServer(options).add(devices.DevicesService, { ensureDevice } as Devices);
  await devicesServer.start();
  pair = await startPair({ devicesGrpc: `127.0.0.1:${devicesServer.port}` });
  one = pair.one.provisioning;
  two = pair.two.provisioning;
});
afterAll(async () => {
  await pair?.stop();
  await devicesServer?.stop();
});

const namespace = "default";
const decidedBy = "key:admin";
const unauthenticated = { code: "unauthenticated" };
const because = (reason: string) => ({ code: "failed_precondition", details: { reason } });

async function createToken(fields: object = {}) {
  const token = { name: "fleet", ...fields };
  const made = await one.createProvisioningToken({ namespace, token, decidedBy });
  secrets.push(made.secret);
  return { id: made.token?.id ?? "", secret: made.secret };
}
async function begin(secret: string, deviceId: string) {
  const asked = { tokenHash: hashOf(secret), deviceId, attributes: {}, address: "10.0.0.7" };
  return (await two.beginProvisioning(asked)).operation?.id ?? "";
}
async function complete(secret: string, operation: string) {
  const done = await one.completeProvisioning({ tokenHash: hashOf(secret), operation });
  if (done.registrationToken !== "") secrets.push(done.registrationToken);
  return done.registrationToken;
}
/** Comes in with a token that needs nobody's approval. */
async function comeIn(device: string) {
  const { secret } = await createToken({ approved: true });
  const operation = await begin(secret, device);
  return { secret, operation, registration: await complete(secret, operation) };
}
async function open(registration: string) {
  const opened = await two.openRegistration({ tokenHash: hashOf(registration) });
  secrets.push(opened.connectionToken);
  return opened;
}

it("a device comes in on any replica, from the moment that somebody approves it on any", async () => {
  const { secret } = await createToken();
  const id = await begin(secret, "porch-1");
  expect(await complete(secret, id)).toBe("");
  await expect(
    one.approveProvisioning({ namespace, id, deviceId: "of-another", decidedBy }),
  ).rejects.toMatchObject({ code: "failed_precondition" });
  const { operation } = await one.approveProvisioning({ namespace, id, decidedBy });
  expect(operation).toMatchObject({ state: "approved", deviceId: "porch-1" });
  expect(registered.has("porch-1")).toBe(true);
  const opened = await open(await complete(secret, id));
  expect(opened).toMatchObject({ namespace, device: "porch-1" });
  for (const replica of [one, two]) {
    const { connectionToken: token, connectionExpiresAt: expiresAt } = opened;
    expect(await replica.checkConnectionToken({ token })).toMatchObject({
      namespace,
      device: "porch-1",
      expiresAt,
    });
  }
});

it("what a device connects with ends with its registration: by the next one, and when it is revoked", async () => {
  const { secret, operation, registration } = await comeIn("barn-1");
  const { connectionToken: token } = await open(registration);
  const again = await complete(secret, operation);
  await expect(one.checkConnectionToken({ token })).rejects.toMatchObject(unauthenticated);
  const next = (await open(again)).connectionToken;
  const refreshed = await one.refreshRegistration({
    ...{ provisioningTokenHash: hashOf(secret), registrationTokenHash: hashOf(again) },
  });
  secrets.push(refreshed.registrationToken);
  await two.checkConnectionToken({ token: next });
  for (let twice = 0; twice < 2; twice++) {
    await pair.one.client.revokeDeviceCredentials({ namespace, device: "barn-1", decidedBy });
  }
  await expect(two.checkConnectionToken({ token: next })).rejects.toMatchObject(unauthenticated);
  for (const tokenHash of [again, refreshed.registrationToken].map(hashOf)) {
    await expect(two.openRegistration({ tokenHash })).rejects.toMatchObject(unauthenticated);
  }
  for (const token of ["", "a", `${next}A`, "\u0000"]) {
    await expect(one.checkConnectionToken({ token })).rejects.toMatchObject(unauthenticated);
  }
});

it("a registration is refreshed with the provisioning token that it came of, and with no other", async () => {
  const { registration } = await comeIn("mill-1");
  const other = await createToken();
  const asked = { provisioningTokenHash: hashOf(other.secret), registrationTokenHash: hashOf(registration) };
  await expect(one.refreshRegistration(asked)).rejects.toMatchObject({ code: "permission_denied" });
  await expect(
    one.refreshRegistration({ ...asked, registrationTokenHash: hashOf("rr") }),
  ).rejects.toMatchObject(because("gone"));
});

it("wrong verification codes are counted for all replicas together, however many are tried at once", async () => {
  const { secret } = await createToken();
  const id = await begin(secret, "dock-1");
  const { operation } = await one.getProvisioningOperation({ namespace, idOrCode: id });
  const right = operation?.begun?.verificationCode ?? "";
  const attempt = (replica: typeof one, idOrCode: string, askedBy = "key:guess") =>
    replica.getProvisioningOperation({ namespace, idOrCode, askedBy }).then(
      () => "found",
      (error: RpcError) => error.code,
    );
  // Right ones do not count.
  for (let i = 0; i < limits.wrongCodes; i++) expect(await attempt(i % 2 ? one : two, right)).toBe("found");
  const tries = Array.from({ length: 3 * limits.wrongCodes }, (_, i) =>
    attempt(i % 2 ? one : two, "2222-222B"),
  );
  const answers = await Promise.all(tries);
  expect(answers.filter((code) => code === "not_found")).toHaveLength(limits.wrongCodes);
  expect(answers.filter((code) => code === "resource_exhausted")).toHaveLength(2 * limits.wrongCodes);
  for (const replica of [one, two]) {
    // The right one as well, but for who has not tried.
    expect(await attempt(replica, right)).toBe("resource_exhausted");
    expect(await attempt(replica, right, "key:other")).toBe("found");
  }
});

it("a disabled namespace opens nothing, on any replica, until it is enabled", async () => {
  const { secret, operation, registration } = await comeIn("gate-1");
  await one.setNamespaceEnabled({ namespace, enabled: false, reason: "not paid", decidedBy });
  const { client } = pair.two;
  const disabled = { disabled: true, disabledReason: "not paid" };
  expect((await client.getNamespace({ idOrName: namespace })).namespace).toMatchObject(disabled);
  await expect(open(registration)).rejects.toMatchObject(because("namespace-disabled"));
  await expect(begin(secret, "gate-2")).rejects.toMatchObject(because("namespace-disabled"));
  await expect(complete(secret, operation)).rejects.toMatchObject(because("namespace-disabled"));
  await two.setNamespaceEnabled({ namespace, enabled: true, decidedBy });
  await open(registration);
});

it("of devices that come at the same moment only as many get in as may, and those stay in", async () => {
  const most = 2;
  const { id, secret } = await createToken({ approved: true, registrations: most });
  const devices = ["quay-1", "quay-2", "quay-3", "quay-4", "quay-5"];
  const begun = await Promise.all(devices.map((device) => begin(secret, device)));
  const come = async (operation: string, index: number) => {
    const replica = index % 2 ? one : two;
    const asked = { tokenHash: hashOf(secret), operation };
    const done = await replica.completeProvisioning(asked).catch((error: RpcError) => error);
    if (done instanceof RpcError) expect(done).toMatchObject(because("registrations"));
    return done instanceof RpcError ? undefined : done.registrationToken;
  };
  const tokens = (await Promise.all(begun.map(come))).filter((token) => token !== undefined);
  expect(tokens).toHaveLength(most);
  for (const token of tokens) await open(token);
  // What the other replica took back may come to this one's table a moment later.
  await until("as many are shown", async () => {
    const { tokens: shown } = await one.listProvisioningTokens({ namespace });
    return shown.find((each) => each.id === id)?.registrations === most;
  });
});

it("where nobody has to approve, a device is registered when it comes, and counts until then", async () => {
  const { secret } = await createToken({ approved: true, registrations: 1 });
  const database = openReadDatabase<SnapshotTables>({ url: pair.urls.postgresUrl, schema: SCHEMA });
  const list = new OperationList(database, { loadAll: async () => [] }, Date.now);
  const before = await list.waiting(namespace);
  const begun = [await begin(secret, "dam-1"), await begin(secret, "dam-2"), await begin(secret, "dam-3")];
  expect(await list.waiting(namespace)).toBe(before + 3);
  await complete(secret, begun[1] ?? "");
  for (const id of [begun[0], begun[2]]) {
    await expect(complete(secret, id ?? "")).rejects.toMatchObject(because("registrations"));
  }
  expect([...registered].filter((device) => device.startsWith("dam-"))).toEqual(["dam-2"]);
  await until("as many wait", async () => (await list.waiting(namespace)) === before + 2);
  await database.close();
});

it("a device gets the id that its token carries, and comes again with a regenerated one", async () => {
  const { id, secret } = await createToken({ approved: true, deviceId: "lock-7" });
  const registration = await complete(secret, await begin(secret, ""));
  expect(await open(registration)).toMatchObject({ device: "lock-7" });
  const renewed = await two.regenerateProvisioningToken({ namespace, id, decidedBy });
  secrets.push(renewed.secret);
  expect(renewed.token).toMatchObject({ id, registrations: 1, created: { deviceId: "lock-7" } });
  await expect(begin(secret, "")).rejects.toMatchObject(unauthenticated);
  const asked = {
    provisioningTokenHash: hashOf(renewed.secret),
    registrationTokenHash: hashOf(registration),
  };
  const refreshed = await one.refreshRegistration(asked);
  secrets.push(refreshed.registrationToken);
  expect(await open(refreshed.registrationToken)).toMatchObject({ device: "lock-7" });
});

it("clearing the namespace ends all registrations; what devices come with stays", async () => {
  const { id, secret } = await createToken({ approved: true, registrations: 1 });
  const registration = await complete(secret, await begin(secret, "well-1"));
  const { connectionToken: token } = await open(registration);
  await expect(begin(secret, "well-2")).rejects.toMatchObject(because("registrations"));
  await pair.one.client.clearNamespace({ namespace, decidedBy });
  await expect(two.checkConnectionToken({ token })).rejects.toMatchObject(unauthenticated);
  await expect(open(registration)).rejects.toMatchObject(unauthenticated);
  const { tokens } = await one.listProvisioningTokens({ namespace });
  expect(tokens.find((each) => each.id === id)).toMatchObject({ registrations: 0 });
  await complete(secret, await begin(secret, "well-2"));
});

it("no token is in the log, the database, or what was logged", async () => {
  const everything = [await kept(pair.urls), pair.one.logged(), pair.two.logged()].join("\n");
  for (const secret of secrets) expect(everything).not.toContain(secret);
  expect(secrets.length).toBeGreaterThan(10);
});
