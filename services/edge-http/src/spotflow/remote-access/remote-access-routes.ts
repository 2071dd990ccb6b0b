import type { FastifyInstance } from "fastify";
import type { Access } from "../../native/access.js";
import { param } from "../../native/input.js";
import { type RequestTunnelParts, requestTunnel } from "../../native/tunnels/request-tunnel.js";
import { refusals } from "../refusal.js";
import { type ServeOptions, serveOperator } from "../serve.js";
import { remoteAccessOperations as own } from "./remote-access-operations.js";

export interface RemoteAccessRoutesParts extends RequestTunnelParts {
  readonly access: Access;
}

const PORT = /^[1-9]\d{0,4}$/;

/** Remote access as operators of the dialect ask for it: sections B2 and B6. */
export function remoteAccessRoutes(
  app: FastifyInstance,
  parts: RemoteAccessRoutesParts,
  options: ServeOptions,
): void {
  serveOperator(app, options, parts.access, own.tunnelUri, async ({ key, namespace, request, reply }) => {
    const given = param(request, "port");
    if (!PORT.test(given)) throw refusals.invalid("port: is from 1 to 65535");
    const asked = { device: param(request, "device"), port: Number(given) };
    const { url: tunnelSecureUri } = await requestTunnel(parts, { key, namespace }, asked, request.raw);
    void reply.header("cache-control", "no-store");
    return { tunnelSecureUri };
  });
}
