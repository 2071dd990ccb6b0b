import { deviceKey } from "@fieldlog/admission";
import { positionOf, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { editorUrlOf } from "../../edit-page/edit-page.js";
import { param, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { toUpdate } from "./metadata-change.js";

/** Changes of devices' metadata by people, and the tokens that let them. Decided by devices. */
@Controller()
export class EditingController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.changeDevice)
  async change(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { namespace, decidedBy } = await this.parts.editors.of(request, "write");
    const { body } = readInput(operations.changeDevice, request);
    const asked = { namespace: namespace.id, device: param(request, "device") };
    const now = body.properties && (await this.parts.devices.getDevice(asked)).device?.metadata?.properties;
    const { changed, device } = await this.parts.devices.updateDevice({
      ...{ ...asked, ...toUpdate(body, now ?? {}), decidedBy },
    });
    this.parts.known.devices.invalidate(deviceKey(asked.namespace, asked.device));
    const sequence = Number(device?.sequence ?? 0);
    this.parts.ownWrites.note(namespace.id, REGISTRY, sequence);
    void reply.header("fieldlog-position", String(positionOf(sequence, 0)));
    return { changed };
  }

  @Operates(operations.createEditToken)
  async createToken(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.createEditToken, request);
    const device = param(request, "device");
    const made = await this.parts.devices.createEditToken({ namespace: namespace.id, device });
    void reply.header("cache-control", "no-store");
    const url = editorUrlOf(this.parts.publicBase(request.raw), namespace.name, device, made.token);
    return { token: made.token, url, expires: time(made.expiresAt) };
  }
}
