import { positionOf, REGISTRY, SIGNALS, type streams } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { param, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { atLeast } from "../readings/requests.controller.js";

/** Streams of messages; kept by streams. The bytes are in stream-data-routes. */
@Controller()
export class StreamGroupsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.listStreamGroups)
  async groups(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.listStreamGroups, request);
    const asked = { namespace: namespace.id, atLeast: atLeast(this.parts, request, namespace.id) };
    const { groups } = await this.parts.streamService.listGroups(asked);
    return { groups: groups.map(groupJson) };
  }

  @Operates(operations.setStreamGroup)
  async setGroup(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.setStreamGroup, request);
    const { sequence } = await this.parts.streamService.setGroup({
      ...{ namespace: namespace.id, group: param(request, "group"), decidedBy: `key:${key.id}` },
      set: { defaultStream: body.defaultStream ?? "", defaultGroup: body.defaultGroup },
    });
    this.wrote(reply, namespace.id, sequence);
  }

  @Operates(operations.setStream)
  async setStream(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.setStream, request);
    const { concatenation, batchPattern, messagePattern } = body;
    const { sequence } = await this.parts.streamService.setStream({
      ...{ namespace: namespace.id, group: param(request, "group"), stream: param(request, "stream") },
      ...{ set: { concatenation, batchPattern, messagePattern }, isDefault: body.default },
      decidedBy: `key:${key.id}`,
    });
    this.wrote(reply, namespace.id, sequence);
  }

  @Operates(operations.removeStream)
  async removeStream(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.removeStream, request);
    const { sequence } = await this.parts.streamService.removeStream({
      ...{ namespace: namespace.id, group: param(request, "group"), stream: param(request, "stream") },
      decidedBy: `key:${key.id}`,
    });
    this.wrote(reply, namespace.id, sequence);
  }

  @Operates(operations.listStreamBatches)
  async batches(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listStreamBatches, request);
    const { limit, group = "", stream = "", device = "", state = "", before } = query;
    const { batches, next } = await this.parts.streamService.listBatches({
      ...{
        namespace: namespace.id,
        limit,
        group,
        stream,
        device,
        state,
        atLeast: this.reported(namespace.id),
      },
      ...(before === undefined ? {} : { before: BigInt(before) }),
    });
    return { batches: batches.map(batchJson), next: next === undefined ? null : Number(next) };
  }

  @Operates(operations.listStreamMessages)
  async messages(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listStreamMessages, request);
    const { limit, group = "", stream = "", device = "", batch = "", after = 0 } = query;
    const { messages, next } = await this.parts.streamService.listMessages({
      ...{ namespace: namespace.id, limit, group, stream, device, batch, after: BigInt(after) },
      atLeast: this.reported(namespace.id),
    });
    return { messages: messages.map(messageJson), next: next === undefined ? null : Number(next) };
  }

  @Operates(operations.listStreamDeadLetters)
  async deadLetters(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listStreamDeadLetters, request);
    const asked = { namespace: namespace.id, limit: query.limit, after: BigInt(query.after ?? 0) };
    const { deadLetters, next } = await this.parts.streamService.listDeadLetters(asked);
    return { deadLetters: deadLetters.map(deadLetterJson), next: next === undefined ? null : Number(next) };
  }

  /** What this edge has itself written into SIGNALS. */
  private reported(namespace: string): bigint {
    return BigInt(this.parts.ownWrites.of(namespace, SIGNALS));
  }

  private wrote(reply: FastifyReply, namespace: string, sequence: bigint): void {
    this.parts.ownWrites.note(namespace, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}

function groupJson({ name, set, streams: own }: streams.Group) {
  return {
    ...{ name, defaultStream: set?.defaultStream || null, defaultGroup: set?.defaultGroup ?? false },
    streams: own.map((one) => ({
      ...{ name: one.name, concatenation: one.set?.concatenation ?? "none", default: one.isDefault },
      ...{ batchPattern: one.set?.batchPattern ?? "", messagePattern: one.set?.messagePattern ?? "" },
    })),
  };
}

function batchJson({
  number,
  group,
  stream,
  device,
  id,
  complete,
  messages,
  bytes,
  ...batch
}: streams.Batch) {
  return {
    ...{ number: Number(number), group, stream, device, id, state: complete ? "complete" : "open" },
    ...{
      messages: Number(messages),
      bytes: Number(bytes),
      slices: batch.slices,
      begunAt: time(batch.begunAt),
    },
    completedAt: batch.completedAt === undefined ? null : time(batch.completedAt),
  };
}

function messageJson({
  position,
  group,
  stream,
  device,
  batch,
  id,
  path,
  complete,
  ...message
}: streams.StoredMessage) {
  const { sha256, bytes, chunks, slice, site, receivedAt } = message;
  return {
    ...{ position: Number(position), group, stream, device, batch, id, path, complete, chunks },
    ...{ slice: slice || null, site: site || null, bytes: Number(bytes), receivedAt: time(receivedAt) },
    sha256: sha256.length === 0 ? null : Buffer.from(sha256).toString("hex"),
  };
}

function deadLetterJson({ position, device, reason, group, stream, bytes, receivedAt }: streams.DeadLetter) {
  return {
    ...{ position: Number(position), device, reason, group: group || null, stream: stream || null },
    ...{ bytes: Number(bytes), receivedAt: time(receivedAt) },
  };
}
