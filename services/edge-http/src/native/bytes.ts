import { limits } from "@fieldlog/contracts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { NativeParts } from "./parts.js";
import { answerProblem } from "./problem.filter.js";
import { Problem } from "./problem.js";

/** Plain routes whose bodies are taken as bytes, whatever their content type, and whose refusals are problem documents. */
export function takesBytes(app: FastifyInstance, logger: NativeParts["logger"]): void {
  app.removeAllContentTypeParsers();
  const options = { parseAs: "buffer", bodyLimit: limits.bodyBytes } as const;
  app.addContentTypeParser("*", options, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => {
    const { statusCode = 500, message } = error as { statusCode?: number; message: string };
    const problem = statusCode < 500 ? new Problem(statusCode, message) : error;
    answerProblem(problem, request, reply, logger);
  });
}

/** The body as it came; empty where there is none. */
export function bytesOf({ body }: Pick<FastifyRequest, "body">): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array();
}
