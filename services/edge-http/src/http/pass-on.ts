import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** Hands every request that no other route takes to another server's routes, which must be ready. */
export async function passOn(from: FastifyInstance, { to }: { to: FastifyInstance }): Promise<void> {
  const onRequest = (request: FastifyRequest, reply: FastifyReply, _done: () => void) => {
    reply.hijack();
    to.routing(request.raw, reply.raw);
  };
  from.all("/*", { onRequest, config: { refuses: true } }, () => undefined);
}
