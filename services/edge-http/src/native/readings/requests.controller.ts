import { deviceKey } from "@fieldlog/admission";
import { positionOf, REGISTRY, sequenceOf } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { uploadUrl } from "../../http/token-urls.js";
import { minPosition, param, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { Problem } from "../problem.js";
import { requestJson } from "./reading-json.js";
import type { NewDataRequest, NewOffers } from "./reading-schemas.js";

const DAY_MS = 86_400_000;

/** Data requests, and what native devices offer; decided by offers. */
@Controller()
export class RequestsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.createDataRequest)
  async create(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.createDataRequest, request);
    const made = await this.parts.offers.createRequest({
      ...{ namespace: namespace.id, decidedBy: `key:${key.id}`, asked: askedOf(body, Date.now()) },
    });
    if (made.request === undefined) throw new Error("offers made a request and did not say which");
    this.wrote(reply, namespace.id, made.sequence);
    return requestJson(made.request);
  }

  @Operates(operations.listDataRequests)
  async list(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listDataRequests, request);
    const { requests, next } = await this.parts.offers.listRequests({
      ...{ namespace: namespace.id, limit: query.limit },
      ...{ device: query.device ?? "", state: query.state ?? "" },
      ...(query.before === undefined ? {} : { before: BigInt(query.before) }),
      atLeast: atLeast(this.parts, request, namespace.id),
    });
    return { requests: requests.map(requestJson), next: next === undefined ? null : Number(next) };
  }

  @Operates(operations.getDataRequest)
  async show(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.getDataRequest, request);
    const asked = { namespace: namespace.id, id: param(request, "id") };
    const found = await this.parts.offers.getRequest(asked);
    if (found.request === undefined) throw new Error("offers answered without a request");
    return requestJson(found.request);
  }

  @Operates(operations.withdrawDataRequest)
  async withdraw(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.withdrawDataRequest, request);
    const { sequence } = await this.parts.offers.withdrawRequest({
      ...{ namespace: namespace.id, id: param(request, "id"), decidedBy: `key:${key.id}` },
    });
    this.wrote(reply, namespace.id, sequence);
  }

  @Operates(operations.offerData)
  async offer(@Req() request: FastifyRequest) {
    const device = param(request, "device");
    const { namespace, signed } = await this.parts.signing.sender(request, "offers", device);
    const { body } = readInput(operations.offerData, request);
    const known = await this.parts.known.registered.get(deviceKey(namespace, device));
    if (known === undefined) throw new Problem(404, "There is no such device.");
    const { answers } = await this.parts.signing.once(signed, async () => {
      if (signed !== undefined) await this.parts.signing.note(signed);
      return this.parts.offers.offer({
        ...{ namespace, device, offers: body.offers.map(offerOf) },
        identity: signed?.id ?? body.id ?? `native/${crypto.randomUUID()}`,
      });
    });
    const urls = answers.map(({ token, number, expiresAt, maxBytes }) =>
      token === ""
        ? null
        : {
            url: uploadUrl(this.parts.publicBase(request.raw), token),
            ...{ reading: Number(number), expires: time(expiresAt), maxBytes: Number(maxBytes) },
          },
    );
    return { answers: urls };
  }

  private wrote(reply: FastifyReply, namespace: string, sequence: bigint): void {
    this.parts.ownWrites.note(namespace, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}

/** REGISTRY sequence that an answer must have seen. */
export function atLeast({ ownWrites }: NativeParts, request: FastifyRequest, namespace: string): bigint {
  return BigInt(Math.max(sequenceOf(minPosition(request)), ownWrites.of(namespace, REGISTRY)));
}

/** What is asked of whom together is for offers to check. */
function askedOf(body: z.output<typeof NewDataRequest>, now: number) {
  const { device = "", sensor = "", current = false, points = [], withinM = 0, note = "" } = body;
  return {
    ...{ device, sensor, current, points, withinM, note },
    ...(body.start === undefined ? {} : { start: msOf(body.start) }),
    ...(body.end === undefined ? {} : { end: msOf(body.end) }),
    expiresAt: body.expires === undefined ? BigInt(now + DAY_MS) : msOf(body.expires),
  };
}

function offerOf(one: z.output<typeof NewOffers>["offers"][number]) {
  const { sensor, sensorType = "", current = false, format, fileName = "", location } = one;
  return {
    ...{ sensor, sensorType, current, format, fileName, ...location },
    requestNumber: BigInt(one.request ?? 0),
    bytes: BigInt(one.bytes ?? 0),
    ...(one.start === undefined ? {} : { start: msOf(one.start) }),
    ...(one.end === undefined ? {} : { end: msOf(one.end) }),
  };
}

const msOf = (text: string) => BigInt(Date.parse(text));
