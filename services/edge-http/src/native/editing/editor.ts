import type { KnownNamespace } from "@fieldlog/admission";
import { RpcError } from "@fieldlog/rpc";
import type { FastifyRequest } from "fastify";
import { type Permission, tokenOf } from "../access.js";
import { param } from "../input.js";
import type { NativeParts } from "../parts.js";
import { Problem } from "../problem.js";

/** Who asks about one device. */
export interface Editor {
  readonly namespace: KnownNamespace;
  /** As decisions name it. */
  readonly decidedBy: string;
}

/** Characters that an edit token is not shorter than: a MAC and what it is of. */
const SHORTEST = 60;
const TOKEN = /^[A-Za-z0-9_-]+$/;

/**
 * A key with that permission, or the bearer of an edit token for the device of the path. Raises Problem 401, 403, 404,
 * 429; RpcError where a service does not answer.
 */
export async function editorOf(
  parts: Pick<NativeParts, "access" | "known" | "devices">,
  request: FastifyRequest,
  needed: Permission,
): Promise<Editor> {
  try {
    const { key, namespace } = await parts.access.namespace(request, needed);
    return { namespace, decidedBy: `key:${key.id}` };
  } catch (error) {
    const isUnknown = error instanceof Problem && error.status === 401;
    const editor = isUnknown ? await byToken(parts, request) : undefined;
    if (editor === undefined) throw error;
    return editor;
  }
}

async function byToken(
  { known, devices }: Pick<NativeParts, "known" | "devices">,
  request: FastifyRequest,
): Promise<Editor | undefined> {
  const token = tokenOf(request);
  if (token.length < SHORTEST || !TOKEN.test(token)) return undefined;
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
