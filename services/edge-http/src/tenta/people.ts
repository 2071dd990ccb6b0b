import { deviceKey } from "@fieldlog/admission";
import type { auth } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import { Credentials, MemberRole, readFields } from "./input.js";
import { askedBy, note, type TentaParts } from "./parts.js";
import { refusals } from "./refusal.js";
import type { Answer, TentaRequest } from "./request.js";

/** Seconds after which to try again to log in where too many passwords were wrong. */
const RETRY_S = 60;

/** Users, their sessions, and their roles in networks. */
export class People {
  constructor(private readonly parts: TentaParts) {}

  async createUser(request: TentaRequest): Promise<Answer> {
    const { user_name, password } = readFields(Credentials, request.body);
    await this.parts.access.maySignUp(request);
    return this.started(await this.parts.auth.createUser({ name: user_name, password }));
  }

  async logIn({ body, address }: TentaRequest): Promise<Answer> {
    const { user_name, password } = readFields(Credentials, body);
    this.parts.access.mayLogIn(address);
    try {
      return this.started(await this.parts.auth.startSession({ name: user_name, password }));
    } catch (error) {
      if (error instanceof RpcError && error.code === "unauthenticated") throw refusals.wrongPassword();
      if (error instanceof RpcError && error.code === "resource_exhausted") throw refusals.tooMany(RETRY_S);
      throw error;
    }
  }

  async logOut({ authorization }: TentaRequest): Promise<Answer> {
    const { tokenHash } = await this.parts.access.user(authorization);
    await this.parts.auth.endSession({ tokenHash: Buffer.from(tokenHash, "hex") });
    this.parts.known.sessions.invalidate(tokenHash);
    return {};
  }

  async listMembers(request: TentaRequest): Promise<Answer> {
    const { network } = await this.parts.access.inNetwork(request);
    const { members } = await this.parts.auth.listMembers({ namespace: network.id });
    return { json: members.map(memberJson) };
  }

  async setMember(request: TentaRequest): Promise<Answer> {
    const { role } = readFields(MemberRole, request.body);
    const { user, network } = await this.parts.access.inNetwork(request);
    const { member, sequence } = await this.parts.auth.setMember({
      ...{ namespace: network.id, userName: request.params["user_name"] ?? "", role },
      decidedBy: askedBy(user),
    });
    if (member === undefined) throw new Error("auth answered without a member");
    this.changed(network.id, member.userId, sequence);
    return { json: memberJson(member), sequence };
  }

  async removeMember(request: TentaRequest): Promise<Answer> {
    const { user, network } = await this.parts.access.inNetwork(request);
    const name = request.params["user_name"] ?? "";
    const { members } = await this.parts.auth.listMembers({ namespace: network.id });
    const member = members.find(({ userName }) => userName === name);
    if (member === undefined) throw refusals.noMember(name);
    const { sequence } = await this.parts.auth.removeMember({
      ...{ namespace: network.id, userId: member.userId, decidedBy: askedBy(user) },
    });
    this.changed(network.id, member.userId, sequence);
    return { sequence };
  }

  private changed(network: string, userId: string, sequence: bigint): void {
    this.parts.known.roles.invalidate(deviceKey(network, userId));
    note(this.parts, network, sequence);
  }

  private started({ userId, token, expiresAt, sequence }: auth.StartedSession): Answer {
    const expires = Number(expiresAt) / 1000;
    return {
      json: { user_identifier: userId, access_token: token, expiration_timestamp: expires },
      sequence,
    };
  }
}

function memberJson({ userId, userName, role }: auth.Member) {
  return { user_identifier: userId, user_name: userName, role };
}
