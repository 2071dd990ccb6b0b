import { deviceKey } from "@fieldlog/admission";
import { positionOf, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { param, readInput } from "../input.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { Problem } from "../problem.js";
import { atLeast } from "../readings/requests.controller.js";
import { samplingJson } from "./sampling-json.js";
import type { NewSampling, SamplingsQuery } from "./sampling-schemas.js";

/** What devices are asked to sample; decided by sampling. */
@Controller()
export class SamplingsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.requestSampling)
  async request(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.requestSampling, request);
    const device = param(request, "device");
    const made = await this.parts.sampling.requestSampling({
      ...{ namespace: namespace.id, device, decidedBy: `key:${key.id}`, asked: askedOf(body) },
    });
    if (made.sampling === undefined) throw new Error("sampling made a sampling and did not say which");
    this.wrote(reply, namespace.id, made.sequence);
    const path = `/v1/namespaces/${encodeURIComponent(param(request, "ns"))}/devices/${encodeURIComponent(device)}`;
    void reply.header("location", `${path}/samples/${made.sampling.id}`);
    return samplingJson(made.sampling);
  }

  @Operates(operations.listDeviceSamplings)
  async listOfDevice(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listDeviceSamplings, request);
    const device = param(request, "device");
    const registered = await this.parts.known.registered.get(deviceKey(namespace.id, device));
    if (registered === undefined) throw new Problem(404, "There is no such device.");
    return this.list(request, namespace.id, { ...query, device });
  }

  @Operates(operations.listSamplings)
  async listAll(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    return this.list(request, namespace.id, readInput(operations.listSamplings, request).query);
  }

  @Operates(operations.getSampling)
  async show(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.getSampling, request);
    const { sampling } = await this.parts.sampling.getSampling({
      ...{ namespace: namespace.id, device: param(request, "device"), sampling: param(request, "sampling") },
      atLeast: atLeast(this.parts, request, namespace.id),
    });
    if (sampling === undefined) throw new Error("sampling answered without a sampling");
    return samplingJson(sampling);
  }

  @Operates(operations.cancelSampling)
  async cancel(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.cancelSampling, request);
    const { sequence } = await this.parts.sampling.cancelSampling({
      ...{ namespace: namespace.id, device: param(request, "device"), sampling: param(request, "sampling") },
      decidedBy: `key:${key.id}`,
    });
    this.wrote(reply, namespace.id, sequence);
  }

  private async list(request: FastifyRequest, namespace: string, query: z.output<typeof SamplingsQuery>) {
    const { samplings, next } = await this.parts.sampling.listSamplings({
      ...{ namespace, limit: query.limit, device: query.device ?? "", state: query.state ?? "" },
      ...(query.before === undefined ? {} : { before: BigInt(query.before) }),
      atLeast: atLeast(this.parts, request, namespace),
    });
    return { samplings: samplings.map(samplingJson), next: next === undefined ? null : Number(next) };
  }

  private wrote(reply: FastifyReply, namespace: string, sequence: bigint): void {
    this.parts.ownWrites.note(namespace, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}

function askedOf(body: z.output<typeof NewSampling>) {
  const { sensor = "", label, lengthMs, intervalMs, category, labelColor = "" } = body;
  const { collectedSampleCount, targetSampleCount } = body;
  return {
    ...{ sensor, label, lengthMs, intervalMs, category, labelColor },
    ...(collectedSampleCount === undefined ? {} : { collectedSamples: collectedSampleCount }),
    ...(targetSampleCount === undefined ? {} : { targetSamples: targetSampleCount }),
  };
}
