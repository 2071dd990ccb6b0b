import { answerOps, opsPaths, type Runtime } from "@fieldlog/runtime";
import type { FastifyInstance } from "fastify";

/** /healthz, /readyz and /metrics on the door's own port. */
export async function opsRoutes(
  fastify: FastifyInstance,
  { runtime }: { runtime: Pick<Runtime, "health" | "metrics"> },
): Promise<void> {
  for (const path of opsPaths) {
    fastify.get(path, async (_request, reply) => {
      const answer = await answerOps(runtime, path);
      if (answer === undefined) throw new Error(`nobody answers ${path}`);
      return reply
        .code(answer.status)
        .headers({ "content-type": answer.contentType, "cache-control": "no-store" })
        .send(answer.body);
    });
  }
}
