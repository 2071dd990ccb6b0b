import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type RegistryEvent } from "@fieldlog/decider";
import { describe, expect, test } from "vitest";
import {
  ADMIN_KEY,
  type ApiKeyState,
  apiKey,
  createApiKey,
  isGood,
  isValid,
  type NewApiKey,
  revokeApiKey,
  setAdminKey,
  usualPermission,
} from "./api-key.js";

const hash = (byte: number) => new Uint8Array(32).fill(byte);
const hex = (byte: number) => Buffer.from(hash(byte)).toString("hex");
const asked: NewApiKey = {
  id: "1",
  name: "console",
  kind: "native",
  permission: "read",
  namespace: "default",
  keyHash: hash(1),
};
const created = (fields: Partial<NewApiKey> = {}): RegistryEvent => {
  const { expiresAt, ...key } = { ...asked, ...fields };
  return {
    event: { case: "apiKeyCreated", value: { ...key, ...(expiresAt === undefined ? {} : { expiresAt }) } },
  };
};
const revoked: RegistryEvent = { event: { case: "apiKeyRevoked", value: {} } };
const admin = (byte: number) =>
  created({
    id: ADMIN_KEY.id,
    name: ADMIN_KEY.name,
    permission: "admin",
    namespace: "",
    keyHash: hash(byte),
  });

/** Each argument is one decision: an event, or several. */
function given(...decisions: (RegistryEvent | RegistryEvent[])[]): ApiKeyState {
  let snapshot = { state: apiKey.initial, sequence: 0 };
  for (const events of decisions) {
    const decision = create(registry.DecisionSchema, { events: [events].flat(), decidedAt: 1_000n });
    snapshot = fold(apiKey, snapshot, snapshot.sequence + 1, decision);
  }
  return snapshot.state;
}

describe("creating", () => {
  test("records the key's hash and what it is good for", () => {
    expect(createApiKey(asked, 0)(given()).events).toEqual([created()]);
    expect(given(created())).toMatchObject({
      phase: "live",
      hash: hex(1),
      permission: "read",
      createdAt: 1_000,
    });
  });

  test("is possible for cred's devices, in a namespace", () => {
    const cred = { kind: "cred" };
    expect(createApiKey({ ...asked, ...cred }, 0)(given()).events).toEqual([created(cred)]);
  });

  test("is possible for boards, in a namespace: what they show, and what they sign with", () => {
    const board = { kind: "edge-impulse", permission: "write" };
    expect(createApiKey({ ...asked, ...board }, 0)(given()).events).toEqual([created(board)]);
    const bytes = new Uint8Array(12);
    const sealedKey = { keyId: "installation", nonce: bytes, ciphertext: bytes };
    const signing = { kind: "hmac", permission: "sign", sealedKey };
    const state = given([...createApiKey({ ...asked, ...signing }, 0)(given()).events]);
    expect(state).toMatchObject({ kind: "hmac", permission: "sign", sealedKey });
    expect([isValid(state, 0), isGood(state, hex(1), 0)], "it opens nothing").toEqual([true, false]);
  });

  test.each([
    ["native", ""],
    ["cred", ""],
    ["edge-impulse", "write"],
    ["hmac", "sign"],
  ])("of kind %s has, if nobody says, the permission %j", (kind, permission) => {
    expect(usualPermission(kind)).toBe(permission);
  });

  test("asked twice, records nothing the second time", () => {
    expect(createApiKey(asked, 0)(given(created())).events).toEqual([]);
    expect(createApiKey(asked, 0)(given(created(), revoked)).events).toEqual([]);
  });

  test.each<[string, Partial<NewApiKey>]>([
    ["kind", { kind: "spotflow" }],
    ["namespace", { kind: "cred", namespace: "" }],
    ["namespace", { kind: "edge-impulse", namespace: "" }],
    ["namespace", { kind: "hmac", permission: "sign", namespace: "" }],
    ["permission", { kind: "hmac", permission: "admin" }],
    ["permission", { permission: "sign" }],
    ["permission", { permission: "root" }],
    ["permission", { permission: "" }],
    ["name", { name: "" }],
    ["name", { name: "x".repeat(1_025) }],
    ["name", { name: "a\u0000" }],
    ["expires_at", { expiresAt: 999n }],
    ["expires_at", { expiresAt: 2n ** 62n }],
  ])("refuses a bad %s", (field, fields) => {
    const decide = createApiKey({ ...asked, ...fields }, 1_000);
    expect(() => decide(given())).toThrow(expect.objectContaining({ name: "InvalidField", field }));
  });
});

describe("revoking", () => {
  test("is recorded once", () => {
    expect(revokeApiKey(given(created())).events).toEqual([revoked]);
    expect(revokeApiKey(given(created(), revoked)).events).toEqual([]);
  });

  test("needs a key", () => {
    expect(() => revokeApiKey(given())).toThrow("no such API key");
  });
});

describe("a key is good", () => {
  test("until it expires", () => {
    const state = given(created({ expiresAt: 2_000n }));
    expect(isGood(state, hex(1), 1_999)).toBe(true);
    expect(isGood(state, hex(1), 2_000)).toBe(false);
  });

  test("until it is revoked", () => {
    expect(isGood(given(created()), hex(1), 5_000)).toBe(true);
    expect(isGood(given(created(), revoked), hex(1), 5_000)).toBe(false);
  });

  test("under its own hash alone", () => {
    expect(isGood(given(created()), hex(2), 0)).toBe(false);
    expect(isGood(given(), hex(1), 0)).toBe(false);
  });
});

describe("the admin key of the settings", () => {
  const set = (byte: number, state: ApiKeyState) => setAdminKey(hash(byte))(state).events;

  test("is created at the first start, and left alone at all others", () => {
    expect(set(1, given())).toEqual([admin(1)]);
    expect(set(1, given(admin(1)))).toEqual([]);
  });

  test("is good for all namespaces", () => {
    expect(given(admin(1))).toMatchObject({ permission: "admin", namespace: "" });
  });

  test("when it is another, the former is revoked and the new one created in one decision", () => {
    expect(set(2, given(admin(1)))).toEqual([revoked, admin(2)]);
    const after = given(admin(1), [revoked, admin(2)]);
    expect(isGood(after, hex(1), 5_000)).toBe(false);
    expect(isGood(after, hex(2), 5_000)).toBe(true);
    expect(set(2, after)).toEqual([]);
  });

  test("when it was revoked, another may take its place", () => {
    expect(set(2, given(admin(1), revoked))).toEqual([admin(2)]);
  });

  test("may be what it was before the last change: the setting says so", () => {
    expect(set(1, given(admin(1), [revoked, admin(2)]))).toEqual([revoked, admin(1)]);
  });

  test("that somebody revoked is refused, however long ago", () => {
    expect(() => set(1, given(admin(1), revoked))).toThrow("set another one");
    expect(() => set(1, given(admin(1), revoked, admin(2)))).toThrow("set another one");
    expect(() => set(1, given(admin(1), revoked, admin(2), [revoked, admin(3)]))).toThrow("set another one");
    expect(set(2, given(admin(1), revoked, admin(2), [revoked, admin(3)]))).toEqual([revoked, admin(2)]);
  });
});
