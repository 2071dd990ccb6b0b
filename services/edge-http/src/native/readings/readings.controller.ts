import { positionOf, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { downloadUrl } from "../../http/token-urls.js";
import { param, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { readingJson } from "./reading-json.js";
import { atLeast } from "./requests.controller.js";

/** What devices have uploaded: lists, tokens, removal. The bytes, and what is in them, are in reading-routes. */
@Controller()
export class ReadingsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.listReadings)
  async list(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listReadings, request);
    const { before, from, to } = query;
    const { readings, next } = await this.parts.offers.listReadings({
      ...{ namespace: namespace.id, limit: query.limit, state: query.state },
      ...{ device: query.device ?? "", sensor: query.sensor ?? "" },
      ...(before === undefined ? {} : { before: BigInt(before) }),
      ...(from === undefined ? {} : { from: BigInt(Date.parse(from)) }),
      ...(to === undefined ? {} : { to: BigInt(Date.parse(to)) }),
      atLeast: atLeast(this.parts, request, namespace.id),
    });
    return { readings: readings.map(readingJson), next: next === undefined ? null : Number(next) };
  }

  @Operates(operations.createDownloadToken)
  async createToken(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { body } = readInput(operations.createDownloadToken, request);
    const { number } = await this.reading(request, namespace.id);
    const made = await this.parts.offers.createDownloadToken({
      ...{ namespace: namespace.id, number, validS: body.validS },
    });
    void reply.header("cache-control", "no-store");
    const base = this.parts.publicBase(request.raw);
    const url = downloadUrl(base, namespace.name, Number(number), made.token);
    return { token: made.token, url, expires: time(made.expiresAt) };
  }

  @Operates(operations.removeReading)
  async remove(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.removeReading, request);
    const { number } = await this.reading(request, namespace.id);
    const { sequence } = await this.parts.offers.removeReading({
      ...{ namespace: namespace.id, number, decidedBy: `key:${key.id}` },
    });
    this.parts.ownWrites.note(namespace.id, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }

  /** Raises Problem 404. */
  private reading(request: FastifyRequest, namespace: string) {
    return this.parts.readings.get(
      namespace,
      param(request, "number"),
      this.parts.ownWrites.of(namespace, REGISTRY),
    );
  }
}
