import { rpcFailure } from "@fieldlog/aggregates";
import { isId, limits, type offers, type registry } from "@fieldlog/contracts";
import { DeviceErased } from "@fieldlog/data-keys";
import { InvalidField } from "@fieldlog/decider";
import type { EventLog } from "@fieldlog/event-log";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import type { Asked } from "./decisions/data-request.js";
import {
  RequestEnded,
  TooManyRequests,
  UnknownReading,
  UnknownRequest,
  UnknownUpload,
  UploadClosed,
} from "./decisions/refusals.js";
import type { MadeUpload } from "./decisions/upload.js";
import type { Offers, OneOffer } from "./service/offers.js";
import { type Reader, upToDate } from "./service/reader.js";
import type { Readings } from "./service/readings.js";
import type { Requests } from "./service/requests.js";
import type { OpenedUpload, Uploads } from "./service/uploads.js";
import type { FoundRequest, FoundUpload } from "./table/rows.js";

export interface Served {
  readonly requests: Requests;
  readonly offers: Offers;
  readonly uploads: Uploads;
  readonly readings: Readings;
  readonly reader: Reader;
  readonly log: Pick<EventLog, "lastSequence">;
}

type Calls = ServiceImpl<typeof offers.OffersService>;

/** fieldlog.offers.v1.OffersService: requests to calls, results to answers. */
export function offersService(served: Served): Calls {
  return { ...requestCalls(served), ...uploadCalls(served), ...readingCalls(served) };
}

function requestCalls({ requests, reader, log }: Served) {
  const reached = (sequence: number) => reader.waitFor(sequence, limits.readYourWritesMs);
  return {
    createRequest: async ({ namespace, asked, decidedBy }) => {
      checkId("namespace", namespace);
      const made = await requests.create(namespace, askedOf(asked), decidedBy || "system");
      await reached(made.sequence);
      return { request: toRequest(made), sequence: BigInt(made.sequence) };
    },
    withdrawRequest: async ({ namespace, id, decidedBy }) => {
      if (!isId(namespace) || !isId(id)) throw new UnknownRequest();
      const sequence = await requests.withdraw(namespace, id, decidedBy || "system");
      await reached(sequence);
      return { sequence: BigInt(sequence) };
    },
    getRequest: async ({ namespace, id }) => {
      if (!isId(namespace) || !isId(id)) throw new UnknownRequest();
      return { request: toRequest(await requests.get(namespace, id)) };
    },
    listRequests: async ({ namespace, device, state, limit, before, atLeast }) => {
      checkId("namespace", namespace);
      checkLimit(limit);
      if (atLeast !== undefined) await reached(Number(atLeast));
      const page = { namespace, device, phase: state, limit: limit + 1 };
      const found = await requests.list({
        ...page,
        ...(before === undefined ? {} : { before: Number(before) }),
      });
      const rows = found.slice(0, limit);
      return { requests: rows.map(toRequest), ...next(found.length > limit, rows.at(-1)?.request.number) };
    },
    listOpenRequests: async ({ namespace }) => {
      checkId("namespace", namespace);
      const sequence = await upToDate(reader, log);
      const open = await reader.rows.openRequests(namespace);
      const made = open.map(({ id, number, asked }) => {
        return toRequest({ id, uploads: 0, request: { phase: "open", number, asked, createdAt: 0 } });
      });
      return { requests: made, sequence: BigInt(sequence) };
    },
  } satisfies Partial<Calls>;
}

function uploadCalls({ offers: own, uploads, reader }: Served) {
  return {
    offer: async ({ namespace, device, offers: offered, identity }) => {
      checkId("namespace", namespace);
      checkId("device", device);
      const answers = await own.decide(namespace, device, offered.map(offerOf), identity);
      return { answers: answers.map((answer) => (answer ? toAccepted(answer) : {})), sequence: 0n };
    },
    openUpload: async ({ token }) => ({ upload: toUpload(await uploads.open(token)) }),
    startUpload: async ({ token, resume }) => {
      const started = await uploads.start(token, resume);
      return { upload: toUpload(started), dataKey: started.dataKey };
    },
    finishUpload: async ({ token, stored }) => {
      if (stored === undefined) throw new InvalidField("stored", "is missing");
      const { number, sequence } = await uploads.finish(token, stored);
      await reader.waitFor(sequence, limits.readYourWritesMs);
      return { number: BigInt(number), sequence: BigInt(sequence) };
    },
    failUpload: async ({ token, reason }) => {
      await uploads.fail(token, reason);
      return {};
    },
  } satisfies Partial<Calls>;
}

function readingCalls({ readings, reader }: Served) {
  const checkNumber = (namespace: string, number: bigint) => {
    if (!isId(namespace) || number < 1n || number > 2n ** 53n) throw new UnknownReading();
    return Number(number);
  };
  return {
    getReading: async ({ namespace, number, atLeast }) => {
      const least = atLeast === undefined ? undefined : Number(atLeast);
      const found = await readings.get(namespace, checkNumber(namespace, number), least);
      const dataKey = found.dataKey ?? new Uint8Array();
      return { reading: toReading(found), dataKey };
    },
    listReadings: async ({ namespace, device, sensor, state, limit, before, from, to, atLeast }) => {
      checkId("namespace", namespace);
      checkLimit(limit);
      if (atLeast !== undefined) await reader.waitFor(Number(atLeast), limits.readYourWritesMs);
      const found = await readings.list({
        ...{ namespace, device, sensor, phase: state || "stored", limit: limit + 1 },
        ...(before === undefined ? {} : { before: Number(before) }),
        ...(from === undefined ? {} : { from: Number(from) }),
        ...(to === undefined ? {} : { to: Number(to) }),
      });
      const rows = found.slice(0, limit);
      return { readings: rows.map(toReading), ...next(found.length > limit, rows.at(-1)?.upload.number) };
    },
    removeReading: async ({ namespace, number, decidedBy }) => {
      const sequence = await readings.remove(
        namespace,
        checkNumber(namespace, number),
        decidedBy || "system",
      );
      await reader.waitFor(sequence, limits.readYourWritesMs);
      return { sequence: BigInt(sequence) };
    },
    createDownloadToken: async ({ namespace, number, validS }) => {
      const made = await readings.createToken(namespace, checkNumber(namespace, number), validS);
      return { token: made.token, expiresAt: BigInt(made.expiresAt) };
    },
    checkDownloadToken: async ({ namespace, number, token }) => {
      readings.checkToken(namespace, checkNumber(namespace, number), token);
      return {};
    },
  } satisfies Partial<Calls>;
}

/** Refusals and failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof UnknownRequest || error instanceof UnknownUpload || error instanceof UnknownReading) {
    return new RpcError("not_found", error.message);
  }
  if (error instanceof RequestEnded) {
    return new RpcError("failed_precondition", error.message, { state: error.state });
  }
  if (error instanceof UploadClosed) {
    return new RpcError("failed_precondition", error.message, { reason: error.reason });
  }
  if (error instanceof DeviceErased) {
    return new RpcError("failed_precondition", error.message, { reason: "erased" });
  }
  if (error instanceof TooManyRequests) return new RpcError("resource_exhausted", error.message);
  return rpcFailure(error);
}

function checkId(field: string, text: string): void {
  if (!isId(text)) throw new InvalidField(field, "is no id");
}

function checkLimit(limit: number): void {
  if (limit < 1 || limit > limits.pageRows)
    throw new InvalidField("limit", `is from 1 to ${limits.pageRows}`);
}

function next(isMore: boolean, number: number | undefined) {
  return isMore && number !== undefined ? { next: BigInt(number) } : {};
}

function askedOf(asked: registry.DataRequested | undefined): Asked {
  if (asked === undefined) throw new InvalidField("asked", "is missing");
  const { device, sensor, current, start, end, points, withinM, expiresAt, note } = asked;
  return {
    ...{ device, sensor, current, points, withinM, note, expiresAt: Number(expiresAt) },
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(end === undefined ? {} : { end: Number(end) }),
  };
}

function offerOf(one: offers.Offer): OneOffer {
  const { sensor, sensorType, current, start, end, latitude, longitude, format, fileName } = one;
  return {
    ...{ sensor, sensorType, current, format, fileName, bytes: Number(one.bytes) },
    requestNumber: Number(one.requestNumber),
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(end === undefined ? {} : { end: Number(end) }),
    ...(latitude === undefined || longitude === undefined ? {} : { latitude, longitude }),
  };
}

function toRequest({ id, request, uploads }: FoundRequest) {
  const { phase: state, number, asked, createdAt, endedAt } = request;
  const { start, end, expiresAt, points, ...fields } = asked;
  return {
    ...{ id, number: BigInt(number), state, createdAt: BigInt(createdAt), uploads },
    ...(endedAt === undefined ? {} : { endedAt: BigInt(endedAt) }),
    asked: {
      ...{ ...fields, expiresAt: BigInt(expiresAt), points: [...points] },
      ...(start === undefined ? {} : { start: BigInt(start) }),
      ...(end === undefined ? {} : { end: BigInt(end) }),
    },
  };
}

function toAccepted({ id, upload, token }: { id: string; upload: MadeUpload; token: string }) {
  const { expiresAt, maxBytes } = upload.offered;
  const number = BigInt(upload.number);
  return { token, upload: id, number, expiresAt: BigInt(expiresAt), maxBytes: BigInt(maxBytes) };
}

function toUpload({ namespace, id, upload }: OpenedUpload) {
  const { number, phase: state, offered } = upload;
  const { device, maxBytes, expiresAt, format } = offered;
  return {
    ...{ namespace, id, number: BigInt(number), device, state, format },
    ...{ maxBytes: BigInt(maxBytes), expiresAt: BigInt(expiresAt) },
  };
}

function toReading({ id, upload }: FoundUpload) {
  const { number, phase: state, offered, stored, offeredAt, storedAt } = upload;
  const { start, end, requestNumber, maxBytes, expiresAt, ...fields } = offered;
  return {
    ...{ number: BigInt(number), upload: id, state, offeredAt: BigInt(offeredAt) },
    ...(storedAt === undefined ? {} : { storedAt: BigInt(storedAt) }),
    offered: {
      ...{ ...fields, requestNumber: BigInt(requestNumber) },
      ...{ maxBytes: BigInt(maxBytes), expiresAt: BigInt(expiresAt) },
      ...(start === undefined ? {} : { start: BigInt(start) }),
      ...(end === undefined ? {} : { end: BigInt(end) }),
    },
    ...(stored === undefined ? {} : { stored: toStored(stored) }),
  };
}

function toStored({ bytes, sha256, objectBytes, ...fields }: NonNullable<MadeUpload["stored"]>) {
  return {
    ...{ ...fields, objects: [...fields.objects], bytes: BigInt(bytes) },
    ...{ sha256: Buffer.from(sha256, "hex"), objectBytes: objectBytes.map(BigInt) },
  };
}
