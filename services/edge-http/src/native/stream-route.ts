import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { traced } from "../http/traced.js";
import type { NativeParts } from "./parts.js";
import { answerProblem } from "./problem.filter.js";

/**
 * A GET of which the answer is a stream: a plain route and none of Nest's. What goes wrong before its first bytes is
 * told as a problem document; what does later breaks it off.
 *
 * @param name the operation's
 */
export function streamRoute(
  app: FastifyInstance,
  { logger }: Pick<NativeParts, "logger">,
  path: string,
  name: string,
  answer: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
): void {
  app.get(path, async (request, reply) => {
    await traced(request, `native ${name}`, () => answer(request, reply)).catch((error: unknown) => {
      if (!reply.raw.headersSent) answerProblem(error, request, reply, logger);
    });
    return reply;
  });
}
