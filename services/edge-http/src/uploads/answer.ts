import type { IncomingHttpHeaders } from "node:http";
import { create, toBinary } from "@bufbuild/protobuf";
import { positionOf, saf } from "@fieldlog/contracts";
import type { PlainAnswer } from "../http/late.js";
import { type Problem, problemOf } from "../native/problem.js";
import { isMultipart } from "./multipart.js";
import type { Finished } from "./uploads.js";

const PROTOBUF = "application/x-protobuf";
const StatusType = saf.StatusMessage_StatusType;
/** Formats in which CSN's devices offer (A9). */
const csnFormats: readonly string[] = ["data-record", "csnv2"];

/**
 * Whether the sender reads protobuf: CSN's clients do, and never say so. Those of an unknown upload are told apart
 * from others by the way in which they send.
 *
 * @param format of what was offered; undefined: the URL opens nothing
 */
export function wantsProtobuf(headers: IncomingHttpHeaders, format: string | undefined): boolean {
  if (/\bjson\b/i.test(headers.accept ?? "")) return false;
  return format === undefined ? isMultipart(headers) : csnFormats.includes(format);
}

/** CSN: SensorReadingUploadResponse; others: JSON. */
export function stored({ number, bytes, sha256, sequence }: Finished, protobuf: boolean): PlainAnswer {
  const headers = { "fieldlog-position": String(positionOf(sequence, 0)) };
  if (protobuf) {
    const status = { type: StatusType.SUCCESS };
    return { status: 200, contentType: PROTOBUF, body: encode(status, BigInt(number)), headers };
  }
  const json = { id: number, bytes, sha256: Buffer.from(sha256).toString("hex") };
  return { status: 201, contentType: "application/json", body: JSON.stringify(json), headers };
}

/** CSN: the same message with the refusal in its status; others: a problem document. */
export function refused(problem: Problem, protobuf: boolean): PlainAnswer {
  const { retryAfterS } = problem.more;
  const headers = retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) };
  if (!protobuf) return { ...problemOf(problem), headers };
  const body = encode({ type: statusTypeOf(problem.status), message: problem.detail });
  return { status: problem.status, contentType: PROTOBUF, body, headers };
}

function statusTypeOf(status: number): saf.StatusMessage_StatusType {
  switch (status) {
    case 404:
      return StatusType.PATH_NOT_FOUND;
    case 408:
      return StatusType.SERVER_TIMEOUT;
    case 500:
      return StatusType.UNKNOWN_ERROR;
    case 503:
      return StatusType.DATASTORE_ERROR;
    default:
      return StatusType.INVALID_REQUEST;
  }
}

function encode(status: { type: saf.StatusMessage_StatusType; message?: string }, id?: bigint): string {
  const message = create(saf.SensorReadingUploadResponseSchema, {
    status,
    ...(id === undefined ? {} : { sensorReadingId: id }),
  });
  return Buffer.from(toBinary(saf.SensorReadingUploadResponseSchema, message)).toString("latin1");
}
