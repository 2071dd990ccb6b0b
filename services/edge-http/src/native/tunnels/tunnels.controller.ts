import { positionOf } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { param, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { requestTunnel } from "./request-tunnel.js";

/** Remote access to devices: decided by devices, carried by edge-websocket. */
@Controller()
export class TunnelsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.openTunnel)
  async open(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const who = await this.parts.access.namespace(request, "admin");
    const { port } = readInput(operations.openTunnel, request).body;
    const asked = { device: param(request, "device"), port };
    const { id, url, expiresAt, sequence } = await requestTunnel(this.parts, who, asked, request.raw);
    void reply.header("cache-control", "no-store");
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
    return { id, webSocketUrl: url, expires: time(expiresAt) };
  }
}
