import { positionOf, sequenceOf } from "@fieldlog/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { traced } from "../../http/traced.js";
import { bytesOf, takesBytes } from "../bytes.js";
import { param, readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";

const DEVICE = "/v1/namespaces/:ns/devices/:device";

type Answer = (request: FastifyRequest, reply: FastifyReply) => Promise<object>;

/** POST …/messages and …/methods/{name} of a device: plain routes and none of Nest's, because a body goes on as it came. */
export async function deviceBoundRoutes(app: FastifyInstance, parts: NativeParts): Promise<void> {
  takesBytes(app, parts.logger);
  const post = (path: string, name: string, answer: Answer) => {
    app.post(`${DEVICE}/${path}`, (request, reply) =>
      traced(request, `native ${name}`, () => answer(request, reply)),
    );
  };
  post("messages", "sendMessage", (request, reply) => send(parts, request, reply));
  post("methods/:name", "callMethod", (request) => call(parts, request));
}

async function send({ access, deviceBound }: NativeParts, request: FastifyRequest, reply: FastifyReply) {
  const { key, namespace } = await access.namespace(request, "write");
  const { property = [] } = readInput(operations.sendMessage, request).query;
  const properties = [property].flat().map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  const message = { payload: bytesOf(request), properties, by: `key:${key.id}` };
  const sent = await deviceBound.send({ namespace, device: param(request, "device") }, message);
  void reply.code(202).header("fieldlog-position", String(positionOf(sequenceOf(sent.position), 0)));
  return sent;
}

/** The body is checked as the bytes that go on. */
const { body: _, ...withoutBody } = operations.callMethod;

async function call({ access, deviceBound }: NativeParts, request: FastifyRequest) {
  const { namespace } = await access.namespace(request, "write");
  const { timeoutMs } = readInput(withoutBody, request).query;
  const to = { namespace, device: param(request, "device") };
  return deviceBound.call(to, param(request, "name"), bytesOf(request), timeoutMs);
}
