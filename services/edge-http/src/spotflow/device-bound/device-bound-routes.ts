import { limits } from "@fieldlog/contracts";
import type { FastifyInstance } from "fastify";
import type { Access } from "../../native/access.js";
import { bytesOf } from "../../native/bytes.js";
import type { DeviceBound } from "../../native/device-bound/device-bound.js";
import { param } from "../../native/input.js";
import { prepare, type ServeOptions, serveOperator } from "../serve.js";
import { deviceBoundOperations as own } from "./device-bound-operations.js";

export interface DeviceBoundRoutesParts {
  readonly access: Access;
  readonly deviceBound: DeviceBound;
}

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
  serveOperator(app, options, access, own.sendMessage, async ({ namespace, request, reply, decidedBy }) => {
    const message = { payload: bytesOf(request), by: decidedBy };
    const { id } = await deviceBound.send({ namespace, device: param(request, "device") }, message);
    void reply.code(202);
    return { messageId: id };
  });
  serveOperator(app, options, access, own.callMethod, ({ namespace, request }) =>
    deviceBound.call(
      { namespace, device: param(request, "device") },
      param(request, "method"),
      bytesOf(request),
      limits.methodMs,
    ),
  );
}
