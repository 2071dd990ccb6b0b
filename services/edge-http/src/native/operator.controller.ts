import { Controller, Inject, Req } from "@nestjs/common";
import type { FastifyRequest } from "fastify";
import { param, readInput } from "./input.js";
import { deadLetterJson, readModelJson } from "./json.js";
import { openapi } from "./openapi.js";
import { Operates } from "./operates.js";
import { operations } from "./operations.js";
import { NATIVE, type NativeParts } from "./parts.js";
import { Problem } from "./problem.js";

/** Read models and dead letters: carried out by projections. And this API's own description. */
@Controller()
export class OperatorController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.listReadModels)
  async readModels(@Req() request: FastifyRequest) {
    await this.parts.access.installation(request);
    readInput(operations.listReadModels, request);
    const { readModels } = await this.parts.projections.listReadModels({});
    return { readModels: readModels.map(readModelJson) };
  }

  @Operates(operations.rebuildReadModel)
  async rebuild(@Req() request: FastifyRequest) {
    await this.parts.access.installation(request);
    readInput(operations.rebuildReadModel, request);
    await this.parts.projections.rebuildReadModel({ name: param(request, "name") });
    return { accepted: true };
  }

  @Operates(operations.listDeadLetters)
  async deadLetters(@Req() request: FastifyRequest) {
    await this.parts.access.installation(request);
    const { query } = readInput(operations.listDeadLetters, request);
    const { deadLetters } = await this.parts.projections.listDeadLetters({ limit: query.limit });
    return { deadLetters: deadLetters.map(deadLetterJson) };
  }

  @Operates(operations.retryDeadLetters)
  async retry(@Req() request: FastifyRequest) {
    const { applied, remaining } = await this.parts.projections.retryDeadLetters(await this.parked(request));
    return { applied, remaining };
  }

  @Operates(operations.dropDeadLetters)
  async drop(@Req() request: FastifyRequest) {
    const { dropped } = await this.parts.projections.dropDeadLetters(await this.parked(request));
    return { dropped };
  }

  @Operates(operations.openapi)
  document(): object {
    return openapi;
  }

  private async parked(request: FastifyRequest) {
    await this.parts.access.installation(request);
    const { body } = readInput(operations.retryDeadLetters, request);
    const namespace = await this.parts.known.namespaces.get(body.namespace);
    if (namespace === undefined) throw new Problem(404, `There is no namespace "${body.namespace}".`);
    return { ...body, namespace: namespace.id };
  }
}
