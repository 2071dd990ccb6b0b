import { deviceKey, encodeSignal } from "@fieldlog/admission";
import { limits, type liveness, type offers, type Position, SIGNALS, sequenceOf } from "@fieldlog/contracts";
import { isNear } from "@fieldlog/filters";
import { boundsOf } from "@fieldlog/geocells";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { minPosition, param, readInput } from "../input.js";
import { time } from "../json.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { Problem } from "../problem.js";
import { requestJson } from "../readings/reading-json.js";
import type { SignedRequest } from "../signed/signed-request.js";
import type { NewHeartbeat } from "./liveness-schemas.js";

type Heartbeat = z.output<typeof NewHeartbeat>;

const UNKNOWN = "?";

/** Heartbeats of native devices, and who is alive as liveness has it. */
@Controller()
export class LivenessController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.sendHeartbeat)
  async beat(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const device = param(request, "device");
    const { namespace, signed } = await this.parts.signing.sender(request, "heartbeat", device);
    const { body } = readInput(operations.sendHeartbeat, request);
    const known = await this.parts.known.registered.get(deviceKey(namespace, device));
    if (known === undefined) throw new Problem(404, "There is no such device.");
    const position = await this.parts.signing.once(
      signed,
      async (before) => before ?? (await this.append(namespace, device, body, signed)),
    );
    void reply.header("fieldlog-position", String(position));
    return { position, ...(await this.asked(namespace, device, body)) };
  }

  @Operates(operations.getLiveness)
  async show(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.getLiveness, request);
    const asked = { namespace: namespace.id, device: param(request, "device") };
    const atLeast = this.atLeast(request, namespace.id);
    const { liveness } = await this.parts.liveness.getLiveness({ ...asked, atLeast });
    if (liveness === undefined) throw new Error("liveness answered without a device");
    return livenessJson(liveness);
  }

  @Operates(operations.listLiveness)
  async list(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.listLiveness, request);
    const { devices, next } = await this.parts.liveness.listLiveness({
      ...{ namespace: namespace.id, state: query.state ?? "", limit: query.limit, after: query.after ?? "" },
      atLeast: this.atLeast(request, namespace.id),
    });
    return { devices: devices.map(livenessJson), next: next === "" ? null : next };
  }

  @Operates(operations.countActive)
  async counts(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    const { query } = readInput(operations.countActive, request);
    const { counts, next } = await this.parts.liveness.countActive({
      ...{
        namespace: namespace.id,
        within: query.within ?? "",
        limit: query.limit,
        after: query.after ?? "",
      },
      ...(query.resolution === undefined ? {} : { resolution: query.resolution }),
      atLeast: this.atLeast(request, namespace.id),
    });
    return { counts: counts.map(countJson), next: next === "" ? null : next };
  }

  private async append(
    namespace: string,
    device: string,
    heartbeat: Heartbeat,
    signed: SignedRequest | undefined,
  ): Promise<Position> {
    const { location, status = "", sensors = [], rates = [], latestRequest } = heartbeat;
    const now = Date.now();
    const bytes = encodeSignal({
      ...{ device, identity: signed?.id ?? "", digest: signed?.digest, receivedAt: now },
      ...{ occurredAt: signed?.sentAt ?? now, sentAt: signed?.sentAt, traceParent: "" },
      ...{ location: location && { ...location, source: "" }, publication: undefined },
      body: {
        case: "heartbeat",
        value: {
          ...{ status, rates, connectedSensors: sensors, disconnectedSensors: [] },
          latestRequestId: latestRequest === undefined ? undefined : BigInt(latestRequest),
        },
      },
    });
    const position = await this.parts.log.signals.append(namespace, bytes);
    this.parts.ownWrites.note(namespace, SIGNALS, sequenceOf(position));
    return position;
  }

  /** The heartbeat is in the log; without this it is as good, and the next one is answered with what was missed. */
  private async asked(namespace: string, device: string, { location, latestRequest = 0 }: Heartbeat) {
    const open = await this.parts.known.requests.get(namespace).catch(() => undefined);
    const news = (open ?? []).filter(
      ({ number, asked }) =>
        Number(number) > latestRequest &&
        Number(asked?.expiresAt) > Date.now() &&
        concerns(asked, device, location),
    );
    const sent = news.slice(0, limits.requestsPerHeartbeat);
    const newest = sent.at(-1)?.number;
    return {
      latestRequest: newest === undefined ? latestRequest : Number(newest),
      requests: sent.map(requestJson),
    };
  }

  private atLeast(request: FastifyRequest, namespace: string): bigint {
    return BigInt(Math.max(sequenceOf(minPosition(request)), this.parts.ownWrites.of(namespace, SIGNALS)));
  }
}

function concerns(asked: offers.DataRequest["asked"], device: string, place: Heartbeat["location"]): boolean {
  if (asked === undefined) return false;
  if (asked.device !== "") return asked.device === device;
  return place !== undefined && isNear(asked.points, asked.withinM, place.latitude, place.longitude);
}

function livenessJson(found: liveness.DeviceLiveness) {
  const { device, state, status, heartbeatS, inactiveAfterS } = found;
  return {
    ...{ device, state, heartbeatS, inactiveAfterS, status: status === "" ? null : status },
    ...{ lastHeartbeatAt: time(found.lastHeartbeatAt), since: time(found.since) },
  };
}

function countJson({ geocell, activeMobile, activeStatic, inactive }: liveness.ActiveCount) {
  const counted = { activeMobile, activeStatic, inactive };
  if (geocell === UNKNOWN) return { geocell: null, ...counted };
  return { geocell, ...(geocell === "" ? {} : { bounds: boundsOf(geocell) }), ...counted };
}
