import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type RegistryEvent } from "@fieldlog/decider";
import { describe, expect, test } from "vitest";
import {
  type Credential,
  credential,
  credentialKind,
  issueCsnSecret,
  issueMqttPassword,
  issueSigningSecret,
  revokeCredentials,
} from "./credential.js";

const secret = { keyId: "k", nonce: new Uint8Array(12), ciphertext: new Uint8Array(16) };
const hash = (byte: number) => new Uint8Array(32).fill(byte);
const hex = (byte: number) => Buffer.from(hash(byte)).toString("hex");
const csnSecret: RegistryEvent = {
  event: { case: "deviceCredentialIssued", value: { kind: "csn-secret", secret } },
};
const mqttPassword = (byte: number): RegistryEvent => ({
  event: { case: "deviceCredentialIssued", value: { kind: "mqtt-password", secretHash: hash(byte) } },
});
const revoked: RegistryEvent = { event: { case: "deviceCredentialRevoked", value: {} } };
const issueSecret = issueCsnSecret("7", secret);

function given(...events: RegistryEvent[]): Credential {
  const decision = create(registry.DecisionSchema, { events });
  return fold(credential, { state: credential.initial, sequence: 0 }, 1, decision).state;
}

describe("a CSN secret", () => {
  test("is issued, sealed", () => {
    expect(issueSecret(given()).events).toEqual([csnSecret]);
    expect(given(csnSecret)).toMatchObject({ csnSecret: secret });
  });

  test("is one at a time", () => {
    expect(() => issueSecret(given(csnSecret))).toThrow("there is a credential 7 already");
  });

  test("may be issued anew after its revocation", () => {
    expect(given(csnSecret, revoked)).toEqual({});
    expect(issueSecret(given(csnSecret, revoked)).events).toEqual([csnSecret]);
  });

  test("is issued to a device that has an MQTT password, and leaves that alone", () => {
    expect(issueSecret(given(mqttPassword(1))).events).toEqual([csnSecret]);
    expect(given(mqttPassword(1), csnSecret)).toMatchObject({ csnSecret: secret, mqttPassword: hex(1) });
  });
});

describe("an MQTT password", () => {
  test("is kept as its hash", () => {
    expect(issueMqttPassword(hash(1))().events).toEqual([mqttPassword(1)]);
    expect(given(mqttPassword(1))).toEqual({ mqttPassword: hex(1), passwordSince: 1 });
  });

  test("has been there since the first one, until it is revoked", () => {
    const next = (before: Credential, sequence: number, ...events: RegistryEvent[]) =>
      fold(credential, { state: before, sequence: 0 }, sequence, create(registry.DecisionSchema, { events }))
        .state;
    const first = next(given(csnSecret), 5, mqttPassword(1));
    expect(next(first, 7, mqttPassword(2))).toMatchObject({ mqttPassword: hex(2), passwordSince: 5 });
    expect(next(first, 9, revoked, mqttPassword(3))).toMatchObject({ passwordSince: 9 });
  });

  test("takes the place of the one before, and leaves the CSN secret alone", () => {
    expect(given(csnSecret, mqttPassword(1), mqttPassword(2))).toMatchObject({
      csnSecret: secret,
      mqttPassword: hex(2),
    });
  });
});

describe("a signing secret", () => {
  const box = (byte: number) => ({ ...secret, ciphertext: new Uint8Array(16).fill(byte) });
  const issued = (byte: number, until = 0): RegistryEvent => ({
    event: {
      case: "deviceCredentialIssued",
      value: { kind: "signing-secret", secret: box(byte), previousUntil: BigInt(until) },
    },
  });

  test("is the only one, the first time", () => {
    expect(issueSigningSecret(box(1), 99)(given()).events).toEqual([issued(1)]);
    expect(given(mqttPassword(1), issued(1))).toMatchObject({
      mqttPassword: hex(1),
      signingSecret: { secret: box(1) },
    });
    expect(given(issued(1)).signingSecret?.previous).toBeUndefined();
  });

  test("leaves the one before good until then, and no other", () => {
    expect(issueSigningSecret(box(2), 99)(given(issued(1))).events).toEqual([issued(2, 99)]);
    expect(given(issued(1), issued(2, 99), issued(3, 199))).toMatchObject({
      signingSecret: { secret: box(3), previous: { secret: box(2), until: 199 } },
    });
  });

  test("is revoked with the others, and what comes then has none before it", () => {
    const state = given(issued(1), issued(2, 99), revoked);
    expect(state).toEqual({});
    expect(revokeCredentials(given(issued(1))).events).toEqual([revoked]);
    expect(issueSigningSecret(box(3), 99)(state).events).toEqual([issued(3)]);
  });
});

describe("revoking", () => {
  test("ends all kinds", () => {
    const state = given(csnSecret, mqttPassword(1));
    expect(revokeCredentials(state).events).toEqual([revoked]);
    expect(given(csnSecret, mqttPassword(1), revoked)).toEqual({});
  });

  test("of what is revoked or was never issued decides nothing", () => {
    expect(revokeCredentials(given()).events).toEqual([]);
    expect(revokeCredentials(given(mqttPassword(1), revoked)).events).toEqual([]);
  });
});

test("a kind of a later version changes nothing", () => {
  const later: RegistryEvent = { event: { case: "deviceCredentialIssued", value: { kind: "x509" } } };
  expect(given(mqttPassword(1), later)).toEqual({ mqttPassword: hex(1), passwordSince: 1 });
});

test("a kind that is none is refused", () => {
  expect(credentialKind("mqtt-password")).toBe("mqtt-password");
  expect(() => credentialKind("password")).toThrow(
    expect.objectContaining({ name: "InvalidField", field: "kind" }),
  );
});
