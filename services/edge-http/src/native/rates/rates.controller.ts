import { type projections, SIGNALS, sequenceOf } from "@fieldlog/contracts";
import { boundsOf } from "@fieldlog/geocells";
import { Controller, Inject, Req } from "@nestjs/common";
import type { FastifyRequest } from "fastify";
import { minPosition, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";

const UNKNOWN = "?";

/** How often what happens where, counted by projections. */
@Controller()
export class RatesController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.countRates)
  async rates(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.countRates, request);
    // What has just happened is inside.
    const to = query.to === undefined ? Date.now() + 1 : Date.parse(query.to);
    const from = to - query.window * 1000;
    const own = this.parts.ownWrites.of(namespace.id, SIGNALS);
    const { counts, next } = await this.parts.projections.countEvents({
      ...{ namespace: namespace.id, from: BigInt(from), to: BigInt(to), limit: query.limit },
      ...{ type: query.type ?? "", device: query.device ?? "", within: query.within ?? "" },
      ...{ by: query.by ?? "", resolution: query.resolution, after: query.after ?? "" },
      contributing: query.contributing !== undefined,
      atLeast: BigInt(Math.max(sequenceOf(minPosition(request)), own)),
    });
    const minutes = query.window / 60;
    const rates = counts.map((count) => ({ ...partOf(query.by, count.key), ...rateOf(count, minutes) }));
    return { from: time(from), to: time(to), rates, next: next === "" ? null : next };
  }
}

/** What the key tells. A device's id holds no slash. */
function partOf(by: "sensor" | "geocell" | undefined, key: string) {
  if (by === undefined) return {};
  if (by === "geocell") return key === UNKNOWN ? { geocell: null } : { geocell: key, bounds: boundsOf(key) };
  const slash = key.indexOf("/");
  const sensor = key.slice(slash + 1);
  return { device: key.slice(0, slash), sensor: sensor === UNKNOWN ? null : sensor };
}

function rateOf(count: projections.EventCount, minutes: number) {
  const { mobileDevices, staticDevices, reportedEvents, reportedWindowS } = count;
  const events = Number(count.events);
  return {
    ...{ events, perMinute: events / minutes, mobileDevices, staticDevices },
    ...(reportedEvents === undefined || reportedWindowS === undefined
      ? {}
      : { reported: { events: reportedEvents, windowS: reportedWindowS } }),
  };
}
