import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type RegistryEvent } from "@fieldlog/decider";
import { expect, test } from "vitest";
import { checkNewUser, createUser, isPassword, isUserName, user } from "./user.js";

const passwordHash = { keyId: "k", nonce: new Uint8Array(12), ciphertext: new Uint8Array(16) };
const created: RegistryEvent = {
  event: { case: "userCreated", value: { id: "1", name: "ash", passwordHash } },
};

function given(...events: RegistryEvent[]) {
  const decision = create(registry.DecisionSchema, { events, decidedAt: 1_000n });
  return fold(user, { state: user.initial, sequence: 0 }, 1, decision).state;
}

test("a user is created with an id, a name and a sealed hash", () => {
  const { events } = createUser({ id: "1", name: "ash", passwordHash })(given());
  expect(events).toEqual([created]);
  expect(given(...events)).toMatchObject({
    phase: "created",
    id: "1",
    name: "ash",
    passwordHash,
    createdAt: 1_000,
  });
});

test("a name is given once", () => {
  const decide = createUser({ id: "2", name: "ash", passwordHash });
  expect(() => decide(given(created))).toThrow("there is a user ash already");
});

test.each(["x", "x-x", "x".repeat(64), "12345678", "un1c0rn", "a-b-c"])("takes the name %j", (name) => {
  expect(isUserName(name)).toBe(true);
});

test.each(["", "-", "x-", "-x", "x--x", "x_x", "xxx?x", "X", "x".repeat(65), "🦄", "电", "x'x", "x\n"])(
  "refuses the name %j",
  (name) => {
    expect(isUserName(name)).toBe(false);
    expect(() => checkNewUser({ name, password: "12345678" })).toThrow(
      expect.objectContaining({ name: "InvalidField", field: "name" }),
    );
  },
);

test("tells a name that is none at once, however long it is", () => {
  const started = performance.now();
  expect(isUserName(`${"a-".repeat(100_000)}!`)).toBe(false);
  expect(performance.now() - started).toBeLessThan(100);
});

test.each(["12345678", "x".repeat(256), "🦄".repeat(256), "        "])(
  "takes a password of 8 to 256 characters",
  (text) => {
    expect(isPassword(text)).toBe(true);
  },
);

test.each(["", "1234567", "🦄".repeat(7), "x".repeat(257), "🦄".repeat(257), "x".repeat(100_000)])(
  "refuses a shorter or longer password",
  (password) => {
    expect(() => checkNewUser({ name: "ash", password })).toThrow(
      expect.objectContaining({ name: "InvalidField", field: "password" }),
    );
  },
);
