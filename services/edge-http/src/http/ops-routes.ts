import { answerOps, type Runtime } from "@fieldlog/runtime";
import type { FastifyInstance } from "fastify";

/** What a load balancer asks. Metrics are for the operator, and only on the operator's port. */
export const publicOpsPaths = Object.freeze(["/healthz", "/readyz"] as const);

/** /healthz and /readyz on the door's own port. */
export async function opsRoutes(
  fastify: FastifyInstance,
  { runtime }: { runtime: Pick<Runtime, "health" | "metrics"> },
): Promise<void> {
  for (const path of publicOpsPaths) {
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
