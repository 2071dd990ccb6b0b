import type { Known } from "@fieldlog/admission";
import { limits, type streams } from "@fieldlog/contracts";
import {
  AlreadyWhole,
  encrypted,
  findWhole,
  isSame,
  type ObjectStore,
  type Objects,
  putWhole,
  streamUploadFolder,
} from "@fieldlog/objects";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import { Refusal, refusals } from "../refusal.js";

export interface FileUploadsParts {
  readonly streams: Pick<RpcClient<typeof streams.StreamsService>, "beginUpload" | "openUpload">;
  readonly known: Pick<Known, "namespaces">;
  readonly objects: Objects;
}

const AGAIN_S = 1;

/** A payload that is about to come. */
export interface OpenedUpload {
  readonly upload: streams.OpenUploadResponse;
  /**
   * Stores it, once: of what is the same as what was stored, nothing is. Nothing is left of what breaks off. Raises Refusal
   * 409: something else was stored; 503: it is being stored; ObjectsUnavailable and what `content` raises.
   */
  readonly put: (content: AsyncIterable<Uint8Array>) => Promise<void>;
}

/**
 * Payloads that are too large for an MQTT message (B4): they lie in the objects, encrypted with the device's key, under the
 * name that the device chose and then tells in its message.
 */
export class FileUploads {
  /** Folders that are being put into. */
  private readonly underWay = new Set<string>();

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
        if (this.underWay.has(folder)) throw refusals.unavailable(AGAIN_S);
        this.underWay.add(folder);
        await putOnce(store, folder, content).finally(() => this.underWay.delete(folder));
      },
    };
  }
}

/** A message that tells of it may be stored already: what it holds does not change any more. */
async function putOnce(
  store: ObjectStore,
  folder: string,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const whole = await findWhole(store, folder);
  if (whole === undefined) {
    await putWhole(store, folder, content, limits.uploadPartBytes).catch((error: unknown) => {
      // Through another edge. Asked again, it is told whether that was the same.
      throw error instanceof AlreadyWhole ? refusals.unavailable(AGAIN_S) : error;
    });
  } else if (!(await isSame(store, whole, content))) {
    throw new Refusal(409, "Something else was uploaded under this name.");
  }
}
