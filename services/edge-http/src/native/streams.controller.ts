import { keyHash } from "@fieldlog/admission";
import { positionOf, SIGNALS } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { tokenOf } from "./access.js";
import { param, readInput } from "./input.js";
import { Operates } from "./operates.js";
import { operations } from "./operations.js";
import { NATIVE, type NativeParts } from "./parts.js";
import { checkAlone, filtersOf, lastEventId, startOf } from "./streams/asked.js";
import { readableSubscription } from "./streams/subscribed.js";

/** Events as they come, from the log itself: as a stream, or for who asks again and again. */
@Controller()
export class StreamsController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.streamEvents)
  async stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { known, streams, log } = this.parts;
    const asker = await this.asker(request);
    const { query } = readInput(operations.streamEvents, request);
    const resumed = lastEventId(request.headers["last-event-id"]);
    if (request.method === "HEAD") return void reply.type("text/event-stream").send();
    if (query.subscription === undefined) {
      const filters = filtersOf(query);
      const after = resumed ?? (await startOf(query.from, log, asker.namespace.id));
      return streams.stream(reply, asker, { filters, after });
    }
    checkAlone(query);
    const subscription = await readableSubscription(known, asker.let, query.subscription);
    await streams.streamOf(reply, asker, subscription, resumed);
  }

  @Operates(operations.pollEvents)
  async poll(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { known, streams, ownWrites } = this.parts;
    const asker = await this.asker(request);
    const { query } = readInput(operations.pollEvents, request);
    const subscription = await readableSubscription(known, asker.let, param(request, "id"));
    const { events, next } = await streams.poll(asker, subscription, {
      ...{ after: query.after, limit: query.limit, waitMs: query.wait },
      atLeast: positionOf(ownWrites.of(asker.namespace.id, SIGNALS), 0),
      onBegin: (end) => reply.raw.once("close", end),
    });
    const list = events.flatMap((event, i) => (i === 0 ? [event.json()] : [COMMA, event.json()]));
    const body = Buffer.concat([OPEN, ...list, Buffer.from(`],"next":${next}}`)]);
    void reply.type("application/json").send(body);
  }

  private async asker(request: FastifyRequest) {
    const allowed = await this.parts.access.namespace(request, "read");
    const credential = { key: allowed.key, hash: keyHash(tokenOf(request)) };
    return { let: allowed, credential, namespace: allowed.namespace };
  }
}

const OPEN = Buffer.from('{"events":[');
const COMMA = Buffer.from(",");
