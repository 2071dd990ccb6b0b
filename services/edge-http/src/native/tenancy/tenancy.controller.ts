import { deviceKey } from "@fieldlog/admission";
import { type auth, positionOf, REGISTRY, SIGNALS } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { param, readInput } from "../input.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { settingsJson, settingsOf } from "./settings-json.js";

/** Milliseconds that a clearing may take until it is answered that it goes on: a large one takes longer than other calls. */
const CLEAR_MS = 25_000;

/** How a namespace is set, who belongs to it, and clearing. Decided by auth; the erasing of a device by devices. */
@Controller()
export class TenancyController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.getSettings)
  async settings(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.getSettings, request);
    return settingsJson(await this.settingsOf(namespace.id));
  }

  @Operates(operations.changeSettings)
  async changeSettings(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const asked = await this.asked(request);
    const { body } = readInput(operations.changeSettings, request);
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    const changed = { ...settingsJson(await this.settingsOf(asked.namespace)), ...given };
    const { sequence } = await this.parts.auth.setNamespaceSettings({
      ...{ ...asked, settings: settingsOf(changed) },
    });
    this.parts.known.namespaces.invalidateWhere(({ id }) => id === asked.namespace);
    this.wrote(reply, asked.namespace, sequence);
    return changed;
  }

  @Operates(operations.listMembers)
  async members(@Req() request: FastifyRequest) {
    const { namespace } = await this.asked(request);
    readInput(operations.listMembers, request);
    const { members } = await this.parts.auth.listMembers({ namespace });
    return { members: members.map(memberJson) };
  }

  @Operates(operations.setMember)
  async setMember(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const asked = await this.asked(request);
    const { body } = readInput(operations.setMember, request);
    const { member, sequence } = await this.parts.auth.setMember({
      ...{ ...asked, userName: body.name, role: body.role },
    });
    if (member === undefined) throw new Error("auth answered without a member");
    this.wrote(reply, asked.namespace, sequence);
    return memberJson(member);
  }

  @Operates(operations.removeMember)
  async removeMember(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const asked = await this.asked(request);
    readInput(operations.removeMember, request);
    const { sequence } = await this.parts.auth.removeMember({ ...asked, userId: param(request, "user") });
    this.wrote(reply, asked.namespace, sequence);
  }

  @Operates(operations.clearNamespace)
  async clear(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const asked = await this.asked(request);
    readInput(operations.clearNamespace, request);
    const cleared = await this.parts.auth.clearNamespace(asked, { deadlineMs: CLEAR_MS });
    this.wrote(reply, asked.namespace, cleared.registryBefore, cleared.signalsBefore);
    return {
      signalsBefore: Number(cleared.signalsBefore),
      registryBefore: Number(cleared.registryBefore),
      commits: Number(cleared.signals),
      decisions: Number(cleared.decisions),
    };
  }

  /** The credentials first: should the rest fail, the same can be asked again. */
  @Operates(operations.eraseDevice)
  async eraseDevice(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const asked = { ...(await this.asked(request)), device: param(request, "device") };
    readInput(operations.eraseDevice, request);
    await this.parts.auth.revokeDeviceCredentials(asked);
    const { sequence, signalsBefore } = await this.parts.devices.eraseDevice(asked);
    const key = deviceKey(asked.namespace, asked.device);
    this.parts.known.registered.invalidate(key);
    this.parts.known.devices.invalidate(key);
    this.wrote(reply, asked.namespace, sequence, signalsBefore);
  }

  private async asked(request: FastifyRequest) {
    const { key, namespace } = await this.parts.access.namespace(request, "admin");
    return { namespace: namespace.id, decidedBy: `key:${key.id}` };
  }

  private async settingsOf(id: string) {
    return (await this.parts.auth.getNamespace({ idOrName: id })).namespace?.settings;
  }

  /** @param signals where what follows the signals learns of it; 0: that has nothing to learn */
  private wrote(reply: FastifyReply, namespace: string, sequence: bigint, signals = 0n): void {
    this.parts.ownWrites.note(namespace, REGISTRY, Number(sequence));
    this.parts.ownWrites.note(namespace, SIGNALS, Number(signals));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}

function memberJson({ userId, userName, role }: auth.Member) {
  return { userId, name: userName, role };
}
