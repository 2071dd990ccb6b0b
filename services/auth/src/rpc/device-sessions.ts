import { isId } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { RpcError } from "@fieldlog/rpc";
import { toApiKey } from "./api-keys.js";
import type { Answering, AuthCalls } from "./calls.js";

type Calls = "startDeviceSession" | "checkDeviceSession";

/** Sessions of devices that present an API key. */
export function deviceSessionCalls({ deviceSessions, namespaces }: Answering): Pick<AuthCalls, Calls> {
  return {
    startDeviceSession: async ({ keyHash, namespace, device }) => {
      if (!isId(device)) throw new InvalidField("device", "is no id");
      const { id } = await namespaces.get(namespace);
      const started = await deviceSessions.start(keyHash, id, device);
      if (!started)
        throw new RpcError("unauthenticated", "no such API key, or it has expired or been revoked");
      return { token: started.token, sequence: BigInt(started.sequence) };
    },
    checkDeviceSession: async ({ tokenHash }) => {
      const open = await deviceSessions.check(tokenHash);
      if (!open) throw new RpcError("unauthenticated", "no such session, or its API key is good no more");
      return { ...open, key: toApiKey(open.key) };
    },
  };
}
