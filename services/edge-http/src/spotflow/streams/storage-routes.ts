import { limits, type streams } from "@fieldlog/contracts";
import { bytesIn, contentOf, encrypted, type Objects } from "@fieldlog/objects";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import type { PublicBase } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Access } from "../../native/access.js";
import { time } from "../../native/json.js";
import { send } from "../../native/streamgroups/stream-data-routes.js";
import { Refusal, refusals } from "../refusal.js";
import { bodyOf, type ServeOptions, serve, serveOperator } from "../serve.js";
import { CONTAINERS, streamOperations as own, SecureUri, STORAGE } from "./stream-operations.js";

export interface StorageRoutesParts {
  readonly access: Access;
  readonly streams: RpcClient<typeof streams.StreamsService>;
  readonly objects: Objects;
  readonly publicBase: PublicBase;
}

type Query = Readonly<Record<string, string | string[] | undefined>>;
const PAGE = 100;

/**
 * What is stored, for whoever has a URL that was made for it. As in the original, a path goes between the URL's own and its
 * query. The URLs are capabilities, and are told to nobody.
 */
export function storageRoutes(app: FastifyInstance, parts: StorageRoutesParts, options: ServeOptions): void {
  const { access, streams: client, publicBase } = parts;
  serveOperator(app, options, access, own.secureUri, async ({ namespace, request, reply }) => {
    const { container, duration } = bodyOf(SecureUri, request);
    const asked = { namespace: namespace.id, container: CONTAINERS[container], durationMs: BigInt(duration) };
    const { token } = await client.beginAccess(asked);
    void reply.header("cache-control", "no-store");
    return { secureUri: `${publicBase(request.raw)}${STORAGE}?sig=${token}` };
  });
  serve(app, options, own.listStored, async (request, reply) => {
    const query = request.query as Query;
    const limit = Number(text(query, "limit") || PAGE);
    if (!Number.isInteger(limit) || limit < 1 || limit > limits.pageRows) {
      throw refusals.invalid(`limit: from 1 to ${limits.pageRows}`);
    }
    const asked = { token: text(query, "sig"), prefix: text(query, "prefix"), after: text(query, "after") };
    const { files, next } = await client.listStored({ ...asked, limit }).catch(told);
    void reply.header("cache-control", "no-store");
    return {
      files: files.map(({ path, bytes, at }) => ({ path, bytes: Number(bytes), createdTime: time(at) })),
      next: next || null,
    };
  });
  serve(app, options, own.getStored, async (request, reply) => {
    const path = pathIn(request);
    const token = text(request.query as Query, "sig");
    const { object, content } = await client.getStored({ token, path }).catch(told);
    await send(
      reply,
      object ? contentIn(parts.objects, object) : once(content ?? new Uint8Array()),
      "stored",
    );
    return undefined;
  });
}

/** Raises ObjectsUnavailable, NoSuchObject, CannotDecrypt. */
function contentIn(
  store: Objects,
  { objects, objectBytes, key }: streams.StoredObject,
): AsyncIterable<Uint8Array> {
  const stored = objects.map((object, index) => ({ object, bytes: Number(objectBytes[index]) }));
  return contentOf(encrypted(store, key), stored, { from: 0, to: bytesIn(stored) });
}

/** As it was written: what is between slashes stays encoded. */
function pathIn({ raw }: FastifyRequest): string {
  const [path = ""] = (raw.url ?? "").split("?");
  return path.slice(STORAGE.length + 1);
}

/** Given twice is not given. */
function text(query: Query, name: string): string {
  const value = query[name];
  return typeof value === "string" ? value : "";
}

function told(error: unknown): never {
  if (error instanceof RpcError && error.code === "unauthenticated") {
    throw new Refusal(403, "This URL opens nothing, or no more.");
  }
  throw error;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
