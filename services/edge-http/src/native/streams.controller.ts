import { keyHash } from "@fieldlog/admission";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { tokenOf } from "./access.js";
import { readInput } from "./input.js";
import { Operates } from "./operates.js";
import { operations } from "./operations.js";
import { NATIVE, type NativeParts } from "./parts.js";
import { filtersOf, lastEventId, startOf } from "./streams/asked.js";

/** Events as they come, from the log itself. */
@Controller()
export class StreamsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.streamEvents)
  async stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { access, streams, log } = this.parts;
    const { key, namespace } = await access.namespace(request, "read");
    const { query } = readInput(operations.streamEvents, request);
    const filters = filtersOf(query);
    const after = lastEventId(request.headers["last-event-id"]) ?? (await startOf(query.from, log));
    if (request.method === "HEAD") return void reply.type("text/event-stream").send();
    const credential = { key, hash: keyHash(tokenOf(request)) };
    streams.stream(reply, { credential, namespace, filters, after });
  }
}
