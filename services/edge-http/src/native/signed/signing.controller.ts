import { deviceKey } from "@fieldlog/admission";
import { positionOf, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { param, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { Problem } from "../problem.js";

const KIND = "signing-secret";

/** Secrets that devices sign with; kept and told by auth. */
@Controller()
export class SigningController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.issueSigningSecret)
  async issue(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { namespace } = await this.parts.access.namespace(request, "write");
    readInput(operations.issueSigningSecret, request);
    const device = param(request, "device");
    const key = deviceKey(namespace.id, device);
    if ((await this.parts.known.registered.get(key)) === undefined) {
      throw new Problem(404, "There is no such device.");
    }
    const asked = { namespace: namespace.id, device, kind: KIND };
    const { secret, sequence } = await this.parts.auth.issueDeviceCredential(asked);
    const { previousSecret, previousUntil } = await this.parts.auth.getDeviceCredential(asked);
    this.parts.known.signers.invalidate(key);
    this.parts.ownWrites.note(namespace.id, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
    void reply.header("cache-control", "no-store");
    return { secret, ...(previousSecret === "" ? {} : { previousUntil: time(previousUntil) }) };
  }
}
