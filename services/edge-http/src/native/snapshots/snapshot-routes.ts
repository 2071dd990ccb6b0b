import { keyHash } from "@fieldlog/admission";
import type { Camera } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { tokenOf } from "../access.js";
import { param, readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";
import { answerProblem } from "../problem.filter.js";
import { Problem } from "../problem.js";
import { answered, checkRegistered } from "../remote-device.js";
import type { Admitted } from "./picture-streams.js";

const PATH = "/v1/namespaces/:ns/devices/:device/snapshots/stream";

/** GET …/snapshots/stream: a plain route and none of Nest's, because its answer has no end. */
export async function snapshotRoutes(app: FastifyInstance, parts: NativeParts): Promise<void> {
  app.get(PATH, { exposeHeadRoute: false }, async (request, reply) => {
    try {
      const { query } = readInput(operations.streamSnapshots, request);
      const { camera, admitted } = await admit(parts, request, query.token);
      await checkCamera(parts, camera);
      parts.pictureStreams.stream(reply.raw, camera, query.resolution, admitted);
      reply.hijack();
    } catch (error) {
      answerProblem(error, request, reply, parts.logger);
    }
    return reply;
  });
}

/** By the token of the URL, which says of which device it is, or by an API key. Raises Problem 401, 403, 404; RpcError. */
async function admit(
  parts: NativeParts,
  request: FastifyRequest,
  token: string | undefined,
): Promise<{ camera: Camera; admitted: Admitted }> {
  const device = param(request, "device");
  if (token === undefined) {
    const { namespace } = await parts.access.namespace(request, "write");
    const camera = { namespace: namespace.id, device };
    await checkRegistered(parts, camera.namespace, device);
    return { camera, admitted: { keyHash: keyHash(tokenOf(request)) } };
  }
  const found = await parts.sampling.checkViewToken({ token }).catch((error: unknown) => {
    throw error instanceof RpcError && error.code === "not_found" ? noToken() : error;
  });
  const namespace = await parts.known.namespaces.get(param(request, "ns"));
  if (found.device !== device || found.namespace !== namespace?.id) throw noToken();
  return {
    camera: { namespace: found.namespace, device },
    admitted: { token, until: Number(found.expiresAt) },
  };
}

/** Raises Problem 409, 503. */
async function checkCamera({ remote }: NativeParts, { namespace, device }: Camera): Promise<void> {
  const status = await answered(remote.status(namespace, device));
  if (status === undefined) throw new Problem(409, "The device is not connected.");
  if (!status.snapshots) throw new Problem(409, "The device cannot stream pictures.");
}

function noToken(): Problem {
  return new Problem(401, "The token of this URL is none, or its time is over.");
}
