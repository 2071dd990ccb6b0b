import { isId } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { NotFound } from "../decisions/refusals.js";
import type { Answering, AuthCalls } from "./calls.js";

type Calls = "getDeviceCredential" | "issueDeviceCredential" | "revokeDeviceCredentials" | "findMqttPassword";

/** Devices' credentials. */
export function credentialCalls({ credentials, registrations, seen }: Answering): Pick<AuthCalls, Calls> {
  return {
    getDeviceCredential: async ({ namespace, device, kind }) => {
      if (!isId(namespace) || !isId(device)) throw new NotFound("credential");
      if (kind === "signing-secret") {
        const { secret, previous } = await credentials.signingSecrets(namespace, device);
        const before = previous && { previousSecret: previous.secret, previousUntil: BigInt(previous.until) };
        return { kind, secret, ...before };
      }
      if (kind !== "" && kind !== "csn-secret") throw new NotFound("credential");
      return { kind: "csn-secret", secret: await credentials.csnSecret(namespace, device) };
    },
    issueDeviceCredential: async ({ namespace, device, kind }) => {
      if (!isId(device)) throw new InvalidField("device", "is no id");
      const { secret, sequence } = await credentials.issue(namespace, device, kind);
      // By the device's id alone it is found in the read model.
      if (kind === "mqtt-password") await seen(sequence);
      return { secret, sequence: BigInt(sequence) };
    },
    revokeDeviceCredentials: async ({ namespace, device, decidedBy }) => {
      if (!isId(namespace) || !isId(device)) return {};
      const sequences = [
        await credentials.revoke(namespace, device, decidedBy),
        await registrations.revoke(namespace, device, decidedBy),
      ];
      return { sequence: BigInt(Math.max(...sequences)) };
    },
    findMqttPassword: async ({ namespace, device }) => {
      if ((namespace !== "" && !isId(namespace)) || !isId(device)) throw new NotFound("credential");
      const [first, ...others] = await credentials.mqttPasswords(namespace, device);
      return { ...first, others };
    },
  };
}
