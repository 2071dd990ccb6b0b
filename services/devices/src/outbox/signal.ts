import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";

export interface ConfigurationRevision {
  readonly device: string;
  readonly revision: number;
  /** A JSON object. */
  readonly valueJson: string;
}

/**
 * A revision on its way to the device: a retained message on `configurations/<device id>` (tenta A1.1, A1.2).
 * Its identity is the revision, so that readers of the log apply it once, however often it was appended.
 *
 * @param now ms since 1970 UTC
 * @returns an encoded Signal
 */
export function configurationSignal(
  { device, revision, valueJson }: ConfigurationRevision,
  now: number,
): Uint8Array {
  const payload = Buffer.from(`{"revision":${revision},"configuration":${valueJson}}`);
  const signal = create(signals.SignalSchema, {
    device,
    identity: `configuration/${revision}`,
    digest: createHash("sha256").update(payload).digest().subarray(0, 8),
    receivedAt: BigInt(now),
    occurredAt: BigInt(now),
    publication: {
      topic: `configurations/${device}`,
      qos: 1,
      retain: true,
      utf8: true,
      contentType: "application/json",
    },
    body: { case: "message", value: { payload } },
  });
  return toBinary(signals.SignalSchema, signal);
}
