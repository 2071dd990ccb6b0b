import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import type { MadeUpload } from "../decisions/upload.js";

/** The name of the event that tells of an upload. */
const UPLOADED = "ReadingUploaded";

/** An encoded Signal; the same upload has the same identity, however often it is told. */
export function uploadedSignal(
  id: string,
  { number, offered, stored, storedAt = 0 }: MadeUpload,
): Uint8Array {
  const { device, sensor, start, end, request, latitude, longitude } = offered;
  const iso = (ms: number | undefined) => (ms === undefined ? undefined : isoOf(ms));
  const data = Buffer.from(
    JSON.stringify({
      ...{ reading: number, sensor, bytes: stored?.bytes, sha256: stored?.sha256 },
      ...{ start: iso(start), end: iso(end), request: request || undefined, format: offered.format },
    }),
  );
  const signal = create(signals.SignalSchema, {
    device,
    identity: `offers/uploaded/${id}`,
    digest: createHash("sha256").update(data).digest().subarray(0, 8),
    receivedAt: BigInt(storedAt),
    occurredAt: BigInt(storedAt),
    ...(latitude === undefined || longitude === undefined ? {} : { location: { latitude, longitude } }),
    body: { case: "event", value: { name: UPLOADED, issuer: "offers", data } },
  });
  return toBinary(signals.SignalSchema, signal);
}

/** A device may tell any date. */
function isoOf(ms: number): string | undefined {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
