import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type RegistryEvent } from "@fieldlog/decider";
import { expect, test } from "vitest";
import { credential, issueCredential } from "./credential.js";

const secret = { keyId: "k", nonce: new Uint8Array(12), ciphertext: new Uint8Array(16) };
const issued: RegistryEvent = {
  event: { case: "deviceCredentialIssued", value: { kind: "csn-secret", secret } },
};
const revoked: RegistryEvent = { event: { case: "deviceCredentialRevoked", value: {} } };
const issue = issueCredential({ device: "7", kind: "csn-secret", secret });

function given(...events: RegistryEvent[]) {
  const decision = create(registry.DecisionSchema, { events });
  return fold(credential, { state: credential.initial, sequence: 0 }, 1, decision).state;
}

test("a credential is issued, its secret sealed", () => {
  expect(issue(given()).events).toEqual([issued]);
  expect(given(issued)).toMatchObject({ phase: "issued", kind: "csn-secret", secret });
});

test("a device has one at a time", () => {
  expect(() => issue(given(issued))).toThrow("there is a credential 7 already");
});

test("after its revocation it may get another", () => {
  expect(given(issued, revoked)).toEqual({ phase: "revoked" });
  expect(issue(given(issued, revoked)).events).toEqual([issued]);
});

test("refuses a kind that it does not know", () => {
  const decide = issueCredential({ device: "7", kind: "password", secret });
  expect(() => decide(given())).toThrow(expect.objectContaining({ name: "InvalidField", field: "kind" }));
});
