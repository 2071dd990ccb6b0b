import { positionOf, type properties, REGISTRY, sequenceOf } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { jsonText } from "../../http/json-text.js";
import { param, readInput } from "../input.js";
import { optionalTime, time } from "../json.js";
import { Operates } from "../operates.js";
import { type Operation, operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { Problem } from "../problem.js";

type Change = "changeDesired" | "changeReported" | "changeTags";

/** What is wanted of devices, what they say of themselves, and their tags; decided by devices. */
@Controller()
export class PropertiesController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.getProperties)
  async show(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.getProperties, request);
    const found = await this.parts.properties.getProperties({
      ...{ namespace: namespace.id, device: param(request, "device") },
      ...(query.asOf === undefined ? {} : { asOf: BigInt(sequenceOf(query.asOf)) }),
      ...(query.at === undefined ? {} : { at: BigInt(Date.parse(query.at)) }),
    });
    const { desired, reported, tags, takenVersion } = found;
    return {
      ...{ desired: versioned(desired), reported: versioned(reported), tags: versioned(tags) },
      takenVersion: takenVersion === undefined ? null : Number(takenVersion),
    };
  }

  @Operates(operations.replaceDesired)
  replace(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.change(request, reply, operations.replaceDesired, "changeDesired", true);
  }

  @Operates(operations.patchDesired)
  desire(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.change(request, reply, operations.patchDesired, "changeDesired");
  }

  @Operates(operations.patchReported)
  report(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.change(request, reply, operations.patchReported, "changeReported");
  }

  @Operates(operations.patchTags)
  tag(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.change(request, reply, operations.patchTags, "changeTags");
  }

  @Operates(operations.listPropertyChanges)
  async changes(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listPropertyChanges, request);
    const { changes, next } = await this.parts.properties.listPropertyChanges({
      ...{ namespace: namespace.id, device: param(request, "device") },
      ...{ limit: query.limit, kind: query.kind ?? "" },
      ...(query.before === undefined ? {} : { before: BigInt(sequenceOf(query.before)) }),
    });
    return {
      changes: changes.map(({ sequence, kind, version, patchJson, changedAt, changedBy }) => ({
        ...{ position: positionOf(Number(sequence), 0), kind, version: Number(version) },
        ...{ patch: JSON.parse(patchJson), changedAt: time(changedAt), changedBy },
      })),
      next: next === undefined ? null : positionOf(Number(next), 0),
    };
  }

  private async change(
    request: FastifyRequest,
    reply: FastifyReply,
    operation: Operation,
    call: Change,
    replaces = false,
  ) {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    const { query, body } = readInput(operation, request);
    const { expectedVersion, takenVersion } = query as { expectedVersion?: number; takenVersion?: number };
    const asked = {
      ...{ namespace: namespace.id, device: param(request, "device"), decidedBy: `key:${key.id}`, replaces },
      patchJson: jsonText(body, (what) => new Problem(400, what)),
      ...(expectedVersion === undefined ? {} : { expectedVersion: BigInt(expectedVersion) }),
      ...(takenVersion === undefined ? {} : { takenVersion: BigInt(takenVersion) }),
    };
    const done = await this.parts.properties[call](asked).catch((error) => {
      throw staleOr(error);
    });
    this.parts.ownWrites.note(namespace.id, REGISTRY, Number(done.sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(done.sequence), 0)));
    return versioned(done.now);
  }
}

/** Another version is there than expected; or what it was. */
function staleOr(error: unknown): unknown {
  if (!(error instanceof RpcError) || error.details["version"] === undefined) return error;
  return new Problem(409, `They have version ${error.details["version"]}.`);
}

function versioned(of: properties.VersionedJson | undefined) {
  if (of === undefined) throw new Error("devices answered without properties");
  return { value: JSON.parse(of.json), version: Number(of.version), changedAt: optionalTime(of.changedAt) };
}
