import { limits } from "@fieldlog/contracts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Access } from "../../native/access.js";
import { param } from "../../native/input.js";
import { Refusal, refusals } from "../refusal.js";
import { prepare, type ServeOptions, serve } from "../serve.js";
import type { DeviceBound } from "./device-bound.js";

export interface DeviceBoundRoutesParts {
  readonly access: Access;
  readonly deviceBound: DeviceBound;
}

const METHOD = /^[A-Za-z0-9!_.-]{1,100}$/;

/** What operators of the dialect send to devices, by a native key as Bearer (B2), as the bytes that the device gets. */
export function deviceBoundRoutes(
  app: FastifyInstance,
  { access, deviceBound }: DeviceBoundRoutesParts,
  options: ServeOptions,
): void {
  prepare(app, options);
  app.removeAllContentTypeParsers();
  const parser = { parseAs: "buffer", bodyLimit: limits.bodyBytes } as const;
  app.addContentTypeParser("*", parser, (_request, body, done) => done(null, body));
  const base = "/workspaces/:ns/devices/:device";
  serve(
    app,
    options,
    { method: "POST", url: `${base}/c2d-messages`, name: "sendMessage" },
    async (request, reply) => {
      const { key, namespace } = await access.namespace(request, "write");
      const to = { namespace: namespace.id, device: param(request, "device") };
      const messageId = await deviceBound.send(to, bytesOf(request), `key:${key.id}`);
      void reply.code(202);
      return { messageId };
    },
  );
  serve(
    app,
    options,
    { method: "POST", url: `${base}/methods/:method`, name: "callMethod" },
    async (request) => {
      const { namespace } = await access.namespace(request, "write");
      const method = param(request, "method");
      if (!METHOD.test(method)) throw refusals.invalid("method: is no name of one");
      const to = { namespace: namespace.id, device: param(request, "device") };
      const { status, payload } = await deviceBound.call(to, method, jsonOf(request));
      return { status, payload: parsed(payload) };
    },
  );
}

function bytesOf({ body }: FastifyRequest): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array();
}

/** As it came; nothing is null. Raises Refusal 400. */
function jsonOf(request: FastifyRequest): Uint8Array {
  const bytes = bytesOf(request);
  if (bytes.length === 0) return Buffer.from("null");
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw refusals.invalid("The body is not JSON.");
  }
  return bytes;
}

/** What a device answers need not be JSON. */
function parsed(payload: Uint8Array): unknown {
  if (payload.length === 0) return null;
  try {
    return JSON.parse(Buffer.from(payload).toString());
  } catch {
    throw new Refusal(502, "What the device answered is not JSON.");
  }
}
