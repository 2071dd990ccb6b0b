import { deviceKey } from "@fieldlog/admission";
import { positionOf, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { param, readInput } from "./input.js";
import { Operates } from "./operates.js";
import { operations } from "./operations.js";
import { NATIVE, type NativeParts } from "./parts.js";
import { Problem } from "./problem.js";

const DIALECT = "native";
const CREDENTIAL_KIND = "mqtt-password";

/** Devices that speak MQTT without a dialect of their own, and the passwords of any. Decided by devices and auth. */
@Controller()
export class DevicesController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  /**
   * Two decisions: the device's, then its password's. Where the second fails the device is there without
   * a password, and is removed again if that can be; see {@link issuePassword} if it cannot.
   */
  @Operates(operations.createDevice)
  async create(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { key, namespace } = await this.parts.access.namespace(request, "write");
    const { body } = readInput(operations.createDevice, request);
    const of = { namespace: namespace.id, decidedBy: `key:${key.id}` };
    const { device } = await this.parts.devices.createDevice({ ...of, dialect: DIALECT, name: body.name });
    if (device === undefined) throw new Error("devices made a device and did not say which");
    const secret = await this.issue(reply, namespace.id, device.id).catch(async (error) => {
      await this.remove(reply, { ...of, device: device.id }).catch((err) => {
        this.parts.logger.warn({ err, device: device.id }, "a device has no password, and stays");
      });
      throw error;
    });
    return { id: device.id, name: body.name, secret };
  }

  /** The credentials first: should the rest fail, the same can be asked again. */
  @Operates(operations.removeDevice)
  async erase(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "admin");
    readInput(operations.removeDevice, request);
    const device = param(request, "device");
    const asked = { namespace: namespace.id, device, decidedBy: `key:${key.id}` };
    await this.parts.auth.revokeDeviceCredentials(asked);
    await this.remove(reply, asked);
  }

  @Operates(operations.issueMqttPassword)
  async issuePassword(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { namespace } = await this.parts.access.namespace(request, "admin");
    readInput(operations.issueMqttPassword, request);
    const device = param(request, "device");
    const known = await this.parts.known.registered.get(deviceKey(namespace.id, device));
    if (known === undefined) throw new Problem(404, "There is no such device.");
    return { secret: await this.issue(reply, namespace.id, device) };
  }

  private async issue(reply: FastifyReply, namespace: string, device: string): Promise<string> {
    const asked = { namespace, device, kind: CREDENTIAL_KIND };
    const { secret, sequence } = await this.parts.auth.issueDeviceCredential(asked);
    this.wrote(reply, namespace, sequence);
    void reply.header("cache-control", "no-store");
    return secret;
  }

  private async remove(
    reply: FastifyReply,
    asked: { namespace: string; device: string; decidedBy: string },
  ): Promise<void> {
    const { sequence } = await this.parts.devices.removeDevice(asked);
    const key = deviceKey(asked.namespace, asked.device);
    this.parts.known.registered.invalidate(key);
    this.parts.known.devices.invalidate(key);
    this.wrote(reply, asked.namespace, sequence);
  }

  private wrote(reply: FastifyReply, namespace: string, sequence: bigint): void {
    this.parts.ownWrites.note(namespace, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}
