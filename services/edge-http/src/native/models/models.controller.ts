import { positionOf, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { param, readInput } from "../input.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { Problem } from "../problem.js";
import { atLeast } from "../readings/requests.controller.js";
import { modelJson, versionOf } from "./model-json.js";

/** What is known of models; kept by sampling. Their bytes come and go by model-routes. */
@Controller()
export class ModelsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.listModels)
  async list(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.listModels, request);
    const seen = atLeast(this.parts, request, namespace.id);
    const { models } = await this.parts.sampling.listModels({ namespace: namespace.id, atLeast: seen });
    return { models: models.map(modelJson) };
  }

  @Operates(operations.getModel)
  async show(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.getModel, request);
    const { model } = await this.parts.sampling.getModel({
      ...{ namespace: namespace.id, version: versionOf(param(request, "version")) },
      atLeast: atLeast(this.parts, request, namespace.id),
    });
    return modelJson(model);
  }

  @Operates(operations.removeModel)
  async remove(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.removeModel, request);
    const version = versionOf(param(request, "version"));
    if (version === 0) throw new Problem(404, "A model is removed by its version.");
    const { sequence } = await this.parts.sampling.removeModel({
      ...{ namespace: namespace.id, version, decidedBy: `key:${key.id}` },
    });
    this.parts.ownWrites.note(namespace.id, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}
