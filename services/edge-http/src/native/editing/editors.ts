import { Budget, type Known, type KnownNamespace } from "@fieldlog/admission";
import { type devices, limits } from "@fieldlog/contracts";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import type { FastifyRequest } from "fastify";
import { type Access, type Permission, tokenOf } from "../access.js";
import { param } from "../input.js";
import { Problem } from "../problem.js";

/** Who asks about one device. */
export interface Editor {
  readonly namespace: KnownNamespace;
  /** As decisions name it. */
  readonly decidedBy: string;
}

export interface EditorsParts {
  readonly access: Pick<Access, "namespace">;
  readonly known: Pick<Known, "namespaces">;
  readonly devices: Pick<RpcClient<typeof devices.DevicesService>, "checkEditToken">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Characters that an edit token is not shorter than: a MAC and what it is of. */
const SHORTEST = 60;
const TOKEN = /^[A-Za-z0-9_-]+$/;

/** Keys, and the bearers of edit tokens: all of them together may ask as much as those who ask without any. */
export class Editors {
  private readonly budget = new Budget(limits.openQueriesPerSecond, limits.openQueryBurst);

  constructor(private readonly parts: EditorsParts) {}

  /**
   * A key with that permission, or the bearer of an edit token for the device of the path. Raises Problem 401, 403,
   * 404, 429; RpcError where a service does not answer.
   */
  async of(request: FastifyRequest, needed: Permission): Promise<Editor> {
    try {
      const { key, namespace } = await this.parts.access.namespace(request, needed);
      return { namespace, decidedBy: `key:${key.id}` };
    } catch (error) {
      const isUnknown = error instanceof Problem && error.status === 401;
      const editor = isUnknown ? await this.byToken(request) : undefined;
      if (editor === undefined) throw error;
      return editor;
    }
  }

  private async byToken(request: FastifyRequest): Promise<Editor | undefined> {
    const { known, devices, now } = this.parts;
    const token = tokenOf(request);
    if (token.length < SHORTEST || !TOKEN.test(token)) return undefined;
    if (!this.budget.take(now())) throw new Problem(429, "Too many edits at once.", { retryAfterS: 1 });
    const namespace = await known.namespaces.get(param(request, "ns"));
    if (namespace === undefined) return undefined;
    try {
      await devices.checkEditToken({ namespace: namespace.id, device: param(request, "device"), token });
    } catch (error) {
      if (error instanceof RpcError && error.code === "not_found") return undefined;
      throw error;
    }
    return { namespace, decidedBy: "edit-token" };
  }
}
