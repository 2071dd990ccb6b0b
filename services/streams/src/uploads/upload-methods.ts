import { limits, type streams } from "@fieldlog/contracts";
import { type DataKeys, DeviceErased } from "@fieldlog/data-keys";
import { InvalidField } from "@fieldlog/decider";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import type { Capabilities } from "@fieldlog/sealing";

type Methods = Pick<ServiceImpl<typeof streams.StreamsService>, "beginUpload" | "openUpload">;

export interface UploadMethodsParts {
  readonly keys: Pick<DataKeys, "get">;
  /** Of the purpose {@link STREAM_UPLOAD}. */
  readonly tokens: Capabilities;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

export const STREAM_UPLOAD = "stream-upload";
const UPLOAD = /^[A-Za-z0-9_.-]{1,100}$/;

/**
 * Payloads that are too large for a message. Doors put them into the objects, encrypted with the device's key; the tokens
 * are made here, so that doors need not hold the installation's key.
 */
export function uploadMethods({ keys, tokens, now }: UploadMethodsParts): Methods {
  return {
    async beginUpload({ namespace, device, upload }) {
      if (namespace === "") throw new InvalidField("namespace", "is missing");
      if (device === "") throw new InvalidField("device", "is missing");
      if (!UPLOAD.test(upload)) throw new InvalidField("upload", "is no id");
      const expiresAt = now() + limits.uploadMs;
      const subject = JSON.stringify([device, upload]);
      return { token: tokens.issue({ namespace, subject, expiresAt }), expiresAt: BigInt(expiresAt) };
    },
    async openUpload({ token }) {
      const found = tokens.open(token);
      if (found === undefined || found.expiresAt <= now()) {
        throw new RpcError("unauthenticated", "this is no token, or its time is over");
      }
      const { namespace, expiresAt } = found;
      const [device, upload] = JSON.parse(found.subject) as [string, string];
      const key = await keys.get(namespace, device).catch((error: unknown) => {
        if (error instanceof DeviceErased) throw new RpcError("failed_precondition", "the device was erased");
        throw error;
      });
      return { namespace, device, upload, expiresAt: BigInt(expiresAt), key };
    },
  };
}
