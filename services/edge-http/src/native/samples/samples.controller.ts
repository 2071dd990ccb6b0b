import { positionOf, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { param, readInput } from "../input.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { atLeast } from "../readings/requests.controller.js";
import { changeOf, filterOf, sampleNumber } from "./asked.js";
import { countJson, sampleJson } from "./sample-json.js";

/** What is known of samples; kept by sampling. Their bytes, and what is in them, are in sample-routes. */
@Controller()
export class SamplesController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.listSamples)
  async list(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listSamples, request);
    const { samples, next } = await this.parts.sampling.listSamples({
      ...{ namespace: namespace.id, filter: filterOf(query), limit: query.limit },
      ...(query.after === undefined ? {} : { after: BigInt(query.after) }),
      atLeast: atLeast(this.parts, request, namespace.id),
    });
    return { samples: samples.map(sampleJson), next: next === undefined ? null : Number(next) };
  }

  @Operates(operations.countSamples)
  async count(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.countSamples, request);
    const { counts } = await this.parts.sampling.countSamples({
      ...{ namespace: namespace.id, filter: filterOf(query) },
      atLeast: atLeast(this.parts, request, namespace.id),
    });
    return { labels: counts.map(countJson) };
  }

  @Operates(operations.getSample)
  async show(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.getSample, request);
    const { sample } = await this.parts.sampling.getSample({
      ...{ namespace: namespace.id, number: sampleNumber(param(request, "number")) },
      atLeast: atLeast(this.parts, request, namespace.id),
    });
    if (sample === undefined) throw new Error("sampling answered without a sample");
    return sampleJson(sample);
  }

  @Operates(operations.changeSample)
  async change(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.changeSample, request);
    const { sample, sequence } = await this.parts.sampling.changeSample({
      ...{ namespace: namespace.id, number: sampleNumber(param(request, "number")) },
      ...{ change: changeOf(body), decidedBy: `key:${key.id}` },
    });
    if (sample === undefined) throw new Error("sampling answered without a sample");
    this.wrote(reply, namespace.id, sequence);
    return sampleJson(sample);
  }

  @Operates(operations.removeSample)
  async remove(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.removeSample, request);
    const { sequence } = await this.parts.sampling.removeSample({
      ...{ namespace: namespace.id, number: sampleNumber(param(request, "number")) },
      decidedBy: `key:${key.id}`,
    });
    this.wrote(reply, namespace.id, sequence);
  }

  private wrote(reply: FastifyReply, namespace: string, sequence: bigint): void {
    this.parts.ownWrites.note(namespace, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}
