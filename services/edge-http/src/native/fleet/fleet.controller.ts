import { positionOf, type properties, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { jsonText } from "../../http/json-text.js";
import { param, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { Problem } from "../problem.js";
import { atLeast } from "../readings/requests.controller.js";

/** What is wanted of all devices with some tags, and that report some values; decided, and brought to them, by devices. */
@Controller()
export class FleetController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.listFleetTemplates)
  async list(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.listFleetTemplates, request);
    const asked = { namespace: namespace.id, atLeast: atLeast(this.parts, request, namespace.id) };
    const { templates } = await this.parts.properties.listFleetTemplates(asked);
    return { templates: templates.map(templateJson) };
  }

  @Operates(operations.getFleetTemplate)
  async show(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.getFleetTemplate, request);
    const { template, devices } = await this.parts.properties.getFleetTemplate({
      ...{ namespace: namespace.id, name: param(request, "name") },
      atLeast: atLeast(this.parts, request, namespace.id),
    });
    if (template === undefined) throw new Error("devices answered without a template");
    return { ...templateJson(template), devices: devices.map(deviceJson) };
  }

  @Operates(operations.listFleetDevices)
  async listDevices(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listFleetDevices, request);
    const { state = "", limit, after } = query;
    const { devices, next } = await this.parts.properties.listFleetDevices({
      ...{ namespace: namespace.id, name: param(request, "name"), state, limit, after },
      atLeast: atLeast(this.parts, request, namespace.id),
    });
    return { devices: devices.map(deviceJson), next: next || null };
  }

  @Operates(operations.setFleetTemplate)
  async set(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.setFleetTemplate, request);
    const { tags, reported, desired, stopAfterFailures, takeWithinS } = body;
    const { revision, sequence } = await this.parts.properties.setFleetTemplate({
      ...{ namespace: namespace.id, name: param(request, "name"), decidedBy: `key:${key.id}` },
      set: {
        ...{ tagsJson: written(tags), reportedJson: written(reported), desiredJson: written(desired) },
        takeWithinS,
        ...(stopAfterFailures === undefined ? {} : { stopAfterFailures }),
      },
    });
    this.wrote(reply, namespace.id, sequence);
    return { revision };
  }

  @Operates(operations.stopFleetTemplate)
  async stop(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.stopFleetTemplate, request);
    const { sequence } = await this.parts.properties.stopFleetTemplate({
      ...{ namespace: namespace.id, name: param(request, "name"), decidedBy: `key:${key.id}` },
      reason: body.reason,
    });
    this.wrote(reply, namespace.id, sequence);
  }

  @Operates(operations.removeFleetTemplate)
  async remove(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.removeFleetTemplate, request);
    const asked = { namespace: namespace.id, name: param(request, "name"), decidedBy: `key:${key.id}` };
    const { sequence } = await this.parts.properties.removeFleetTemplate(asked);
    this.wrote(reply, namespace.id, sequence);
  }

  private wrote(reply: FastifyReply, namespace: string, sequence: bigint): void {
    this.parts.ownWrites.note(namespace, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}

/** Raises Problem 400. */
function written(value: unknown): string {
  return jsonText(value, (what) => new Problem(400, what));
}

function templateJson({ name, set, setAt, stopped, stoppedReason, ...counts }: properties.FleetTemplate) {
  if (set === undefined) throw new Error("devices answered without what a template wants");
  return {
    ...{ name, revision: set.revision, tags: JSON.parse(set.tagsJson) },
    ...{ reported: JSON.parse(set.reportedJson || "[]"), desired: JSON.parse(set.desiredJson) },
    ...{ stopAfterFailures: set.stopAfterFailures ?? null, takeWithinS: set.takeWithinS, setAt: time(setAt) },
    stopped: stopped ? stoppedReason : null,
    ...{ matching: Number(counts.matching), applied: Number(counts.applied) },
    ...{ acknowledged: Number(counts.acknowledged), failed: Number(counts.failed) },
  };
}

function deviceJson({ device, state, error, changedAt }: properties.FleetDevice) {
  return { device, state, error: error || null, changedAt: changedAt === 0n ? null : time(changedAt) };
}
