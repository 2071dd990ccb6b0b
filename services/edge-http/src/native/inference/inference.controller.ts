import { Controller, Inject, Req } from "@nestjs/common";
import type { FastifyRequest } from "fastify";
import { param, readInput } from "../input.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { atLeast } from "../readings/requests.controller.js";
import { askDevice, type RemoteAsked } from "../remote-device.js";

/** What devices' models see, and which model that is. */
@Controller()
export class InferenceController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.startInference)
  async start(@Req() request: FastifyRequest): Promise<void> {
    const namespace = await this.writable(request);
    readInput(operations.startInference, request);
    await this.ask(request, namespace, { case: "wantInference", value: { lasting: true } });
  }

  @Operates(operations.stopInference)
  async stop(@Req() request: FastifyRequest): Promise<void> {
    const namespace = await this.writable(request);
    readInput(operations.stopInference, request);
    await this.ask(request, namespace, { case: "stopInference", value: { viewer: "" } });
  }

  @Operates(operations.requestRecords)
  async records(@Req() request: FastifyRequest): Promise<void> {
    const namespace = await this.writable(request);
    const { body } = readInput(operations.requestRecords, request);
    const { index, range, list = [] } = body;
    const value = {
      ...(index === undefined ? {} : { index: BigInt(index) }),
      ...(range === undefined ? {} : { first: BigInt(range.first), last: BigInt(range.last) }),
      list: list.map(BigInt),
    };
    await this.ask(request, namespace, { case: "requestRecords", value });
  }

  /** Raises Problem 404 where there is no such model, too. */
  @Operates(operations.updateModel)
  async updateModel(@Req() request: FastifyRequest): Promise<void> {
    const namespace = await this.writable(request);
    const { body } = readInput(operations.updateModel, request);
    const version = body.deploymentVersion === "latest" ? 0 : body.deploymentVersion;
    const seen = atLeast(this.parts, request, namespace);
    await this.parts.sampling.getModel({ namespace, version, atLeast: seen });
    await this.ask(request, namespace, { case: "updateModel", value: { version } });
  }

  /** The namespace's id. */
  private async writable(request: FastifyRequest): Promise<string> {
    return (await this.parts.access.namespace(request, "write")).namespace.id;
  }

  private async ask(request: FastifyRequest, namespace: string, asked: RemoteAsked): Promise<void> {
    await askDevice(this.parts, namespace, param(request, "device"), asked);
  }
}
