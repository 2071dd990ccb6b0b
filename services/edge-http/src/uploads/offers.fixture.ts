import { randomBytes } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { offers, type registry } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import type { UploadsParts } from "./uploads.js";

export interface OfferedUpload {
  phase: "offered" | "started" | "stored" | "failed" | "expired";
  readonly number: number;
  readonly format: string;
  readonly maxBytes: number;
  stored?: MessageInitShape<typeof registry.UploadStoredSchema>;
  reason?: string;
}

/** The part of `offers` that upload URLs need, in memory; who wants to know more looks at that service's own tests. */
export class OffersInMemory {
  readonly dataKey = randomBytes(32);
  /** So many of the next calls that end an upload find nobody. */
  failures = 0;
  private readonly uploads = new Map<string, OfferedUpload>();

  /** Returns the token. */
  add(upload: Partial<OfferedUpload>): string {
    const token = randomBytes(24).toString("base64url");
    const number = this.uploads.size + 1;
    const defaults = { phase: "offered", number, format: "data-record", maxBytes: 10_000_000 } as const;
    this.uploads.set(token, { ...defaults, ...upload });
    return token;
  }

  upload(token: string): OfferedUpload {
    const upload = this.uploads.get(token);
    if (upload === undefined) throw new RpcError("not_found", "no such upload");
    return upload;
  }

  openUpload: UploadsParts["offers"]["openUpload"] = async ({ token = "" }) =>
    create(offers.OpenUploadResponseSchema, { upload: described(token, this.opened(token)) });

  startUpload: UploadsParts["offers"]["startUpload"] = async ({ token = "", resume = false }) => {
    const upload = this.opened(token);
    if (upload.phase === "started" && !resume) throw closed("used");
    upload.phase = "started";
    return create(offers.StartUploadResponseSchema, {
      upload: described(token, upload),
      dataKey: this.dataKey,
    });
  };

  finishUpload: UploadsParts["offers"]["finishUpload"] = async ({ token = "", stored }) => {
    if (this.failures > 0) {
      this.failures--;
      throw new RpcError("unavailable", "nobody is there");
    }
    const upload = this.upload(token);
    if (upload.phase !== "started" && upload.phase !== "stored") throw closed("used");
    upload.phase = "stored";
    if (stored) upload.stored = stored;
    return create(offers.FinishUploadResponseSchema, { number: BigInt(upload.number), sequence: 7n });
  };

  failUpload: UploadsParts["offers"]["failUpload"] = async ({ token = "", reason = "" }) => {
    Object.assign(this.upload(token), { phase: "failed", reason });
    return create(offers.FailUploadResponseSchema);
  };

  private opened(token: string): OfferedUpload {
    const upload = this.upload(token);
    if (upload.phase === "expired" || upload.phase === "stored") throw closed(upload.phase);
    if (upload.phase !== "offered" && upload.phase !== "started") throw closed("used");
    return upload;
  }
}

function closed(reason: string): RpcError {
  return new RpcError("failed_precondition", `the upload URL is ${reason}`, { reason });
}

function described(token: string, { number, format, maxBytes, phase }: OfferedUpload) {
  return {
    ...{ namespace: "test", id: token, device: "17", state: phase, format },
    ...{ number: BigInt(number), maxBytes: BigInt(maxBytes), expiresAt: BigInt(Date.now() + 60_000) },
  };
}
