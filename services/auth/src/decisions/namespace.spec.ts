import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type RegistryEvent } from "@fieldlog/decider";
import { expect, test } from "vitest";
import { createNamespace, isAssignedId, isNamespaceName, namespace } from "./namespace.js";

const box = (byte: number) => ({ keyId: "k", nonce: new Uint8Array(12), ciphertext: Uint8Array.of(byte) });
const created = (id: string, name: string): RegistryEvent => ({
  event: { case: "namespaceCreated", value: { id, name, dataKey: box(1) } },
});

function given(...events: RegistryEvent[]) {
  const decision = create(registry.DecisionSchema, { events, decidedAt: 1_000n });
  return fold(namespace, { state: namespace.initial, sequence: 0 }, 1, decision).state;
}

test("a namespace is created with its id, its name and its sealed data key", () => {
  const { events } = createNamespace({ id: "1", name: "roofs", dataKey: box(1) })(given());
  expect(events).toEqual([created("1", "roofs")]);
  expect(given(...events)).toMatchObject({ phase: "created", id: "1", name: "roofs", createdAt: 1_000 });
});

test("asked twice for the same, nothing is decided the second time, and the data key stays", () => {
  const { events } = createNamespace({ id: "test", name: "test", dataKey: box(2) })(
    given(created("test", "test")),
  );
  expect(events).toEqual([]);
});

test("a name is given once", () => {
  const decide = createNamespace({ id: "2", name: "roofs", dataKey: box(2) });
  expect(() => decide(given(created("1", "roofs")))).toThrow("there is a namespace roofs already");
});

test.each(["", "Roofs", "-roofs", "a b", "ä", "a.b", "x".repeat(64), "0b5c1f1e-5a86-4f0c-9d6f-0b6f0a4a7a11"])(
  "refuses a name that is none: %j",
  (name) => {
    expect(isNamespaceName(name)).toBe(false);
    const decide = createNamespace({ id: "1", name, dataKey: box(1) });
    expect(() => decide(given())).toThrow(expect.objectContaining({ name: "InvalidField", field: "name" }));
  },
);

test.each(["default", "test", "a", "0", "a-b_c", "x".repeat(63)])(
  "takes %j for a name, and for no id",
  (name) => {
    expect(isNamespaceName(name)).toBe(true);
    expect(isAssignedId(name)).toBe(false);
  },
);
