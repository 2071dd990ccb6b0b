import type { Known } from "@fieldlog/admission";
import { limits, type streams } from "@fieldlog/contracts";
import { encrypted, type Objects, putWhole, streamUploadFolder } from "@fieldlog/objects";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import { Refusal, refusals } from "../refusal.js";

export interface FileUploadsParts {
  readonly streams: Pick<RpcClient<typeof streams.StreamsService>, "beginUpload" | "openUpload">;
  readonly known: Pick<Known, "namespaces">;
  readonly objects: Objects;
}

/** A payload that is about to come. */
export interface OpenedUpload {
  readonly upload: streams.OpenUploadResponse;
  /** Stores it; nothing is left of what breaks off. Raises ObjectsUnavailable and what `content` raises. */
  readonly put: (content: AsyncIterable<Uint8Array>) => Promise<void>;
}

/**
 * Payloads that are too large for an MQTT message (B4): they lie in the objects, encrypted with the device's key, under the
 * name that the device chose and then tells in its message.
 */
export class FileUploads {
  constructor(private readonly parts: FileUploadsParts) {}

  /** A token with which the payload may be sent. Raises RpcError `invalid_argument`, `unavailable`. */
  async begin(namespace: string, device: string, upload: string): Promise<string> {
    return (await this.parts.streams.beginUpload({ namespace, device, upload })).token;
  }

  /** Raises Refusal 403, 410, 423, RpcError. */
  async open(token: string, name: string): Promise<OpenedUpload> {
    const upload = await this.parts.streams.openUpload({ token }).catch((error: unknown) => {
      if (!(error instanceof RpcError)) throw error;
      if (error.code === "unauthenticated") throw new Refusal(403, "This opens no upload, or no more.");
      if (error.code === "failed_precondition") throw new Refusal(410, "The device was erased.");
      throw error;
    });
    if (upload.upload !== name) throw new Refusal(403, "This opens another upload.");
    const { namespace, device } = upload;
    if ((await this.parts.known.namespaces.get(namespace))?.disabled) throw refusals.disabled();
    const store = encrypted(this.parts.objects, upload.key);
    const folder = streamUploadFolder(namespace, device, name);
    return {
      upload,
      put: async (content) => {
        await putWhole(store, folder, content, limits.uploadPartBytes);
      },
    };
  }
}
