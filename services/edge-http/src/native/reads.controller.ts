import type { WrittenLog } from "@fieldlog/admission";
import { limits, positionOf, REGISTRY, SIGNALS, sequenceOf, signalsStream } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { minPosition, param, readInput } from "./input.js";
import { cloudEvent, deviceJson, latestJson, messageJson } from "./json.js";
import { Operates } from "./operates.js";
import { operations } from "./operations.js";
import { NATIVE, type NativeParts } from "./parts.js";

/** What devices reported, and what they are: from the read models, never older than this edge's own writes. */
@Controller()
export class ReadsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.listEvents)
  async events(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listEvents, request);
    const { events, next } = await this.parts.projections.listEvents({
      namespace: namespace.id,
      limit: query.limit,
      device: query.device ?? "",
      type: query.type ?? "",
      atLeast: this.atLeast(request, namespace.id, SIGNALS),
      ...(query.after === undefined ? {} : { after: BigInt(query.after) }),
      ...(query.before === undefined ? {} : { before: BigInt(query.before) }),
      ...(query.from === undefined ? {} : { from: BigInt(Date.parse(query.from)) }),
      ...(query.to === undefined ? {} : { to: BigInt(Date.parse(query.to)) }),
    });
    const list = events.map((event) => cloudEvent(event, namespace.name)).join(",");
    void reply.type("application/json").send(`{"events":[${list}],"next":${next ?? null}}`);
  }

  @Operates(operations.listDevices)
  async devices(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listDevices, request);
    const { devices, next } = await this.parts.projections.listDevices({
      namespace: namespace.id,
      limit: query.limit,
      after: query.after ?? "",
      atLeast: this.atLeast(request, namespace.id, REGISTRY),
      ...(query.name === undefined ? {} : { name: query.name }),
      ...(query.uuid === undefined ? {} : { uuid: query.uuid }),
      ...(query.legacyId === undefined ? {} : { legacyIdentifier: query.legacyId }),
    });
    return { devices: devices.map(deviceJson), next: next === "" ? null : next };
  }

  @Operates(operations.getDevice)
  async device(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.editors.of(request, "read");
    readInput(operations.getDevice, request);
    const asked = { namespace: namespace.id, device: param(request, "device") };
    const [{ device }, { values }] = await Promise.all([
      this.parts.projections.getDevice({
        ...asked,
        atLeast: this.atLeast(request, namespace.id, REGISTRY),
      }),
      this.parts.projections.listLatestValues(asked),
    ]);
    if (device === undefined) throw new Error("projections answered without a device");
    return { ...deviceJson(device), latestValues: latestJson(values) };
  }

  @Operates(operations.listMessages)
  async messages(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listMessages, request);
    if (query.after === "latest") {
      const last = await this.parts.log.lastSequence(signalsStream(namespace.id));
      return { messages: [], next: positionOf(last, limits.signalsPerCommit - 1) };
    }
    const { messages, next } = await this.parts.projections.listMessages({
      namespace: namespace.id,
      topicFilter: query.topic ?? "",
      limit: query.limit,
      atLeast: this.atLeast(request, namespace.id, SIGNALS),
      ...(query.after === undefined ? {} : { after: BigInt(query.after) }),
    });
    return { messages: messages.map(messageJson), next: next === undefined ? null : Number(next) };
  }

  private atLeast(request: FastifyRequest, namespace: string, log: WrittenLog) {
    const asked = sequenceOf(minPosition(request));
    return BigInt(Math.max(asked, this.parts.ownWrites.of(namespace, log)));
  }
}
