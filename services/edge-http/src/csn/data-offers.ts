import type { Known, KnownDevice, OpenRequests } from "@fieldlog/admission";
import { limits, type offers, type registry, saf } from "@fieldlog/contracts";
import { isNear } from "@fieldlog/filters";
import type { RpcClient } from "@fieldlog/rpc";
import { uploadUrl } from "../http/token-urls.js";
import { type Answer, heartbeatAnswer, offersAnswered, refused } from "./answer.js";
import { formatDate } from "./dates.js";
import { type CsnRequest, type Door, refusalFor } from "./door.js";
import type { ReportedHeartbeat } from "./heartbeat.js";
import { type OfferedReading, readDescriptions, refuseSensors } from "./reading-descriptions.js";
import { Refusal, refusals } from "./refusal.js";
import { rawSignature, readSigned, type Signed } from "./signed.js";
import { decode } from "./wire.js";

export interface DataOffersParts {
  readonly known: Pick<Known, "requests">;
  readonly offers: Pick<RpcClient<typeof offers.OffersService>, "offer">;
}

/**
 * What a client is asked for, and what it offers (A7, A9). The answers to heartbeats are made from memory, but for
 * offers, on which another service decides; where that does not answer, the client is to send the same message again.
 */
export class DataOffers {
  constructor(private readonly parts: DataOffersParts) {}

  /** What the heartbeat of a device is answered; it is in the log by now. Raises what the call raises. */
  heartbeat(
    request: CsnRequest,
    device: KnownDevice,
    heartbeat: ReportedHeartbeat,
  ): string | Promise<string> {
    const open = this.parts.known.requests.peek(device.namespace);
    if (open !== undefined && heartbeat.offers.length === 0) return answerTo(device, heartbeat, open, []);
    return this.ask(request, device, heartbeat);
  }

  /** POST data/offer: one URL for each offer, in order; empty: it is not wanted. */
  async offer(request: CsnRequest, door: Pick<Door, "verified" | "claim">): Promise<Answer> {
    const message = readOffers(request.body);
    if (message instanceof Refusal) return refused(message);
    const { signed, offers: offered } = message;
    const device = await door.verified(request, signed);
    if (device instanceof Refusal) return refused(device);
    const unknown = refuseSensors(offered, device.sensors);
    if (unknown !== undefined) return refused(unknown);
    const outcome = await door.claim(request, device, signed);
    if (outcome.kind !== "stored" && outcome.kind !== "resend") return refused(refusalFor(outcome, signed));
    const urls = await this.urls(request, device, signed, offered);
    return { http: 200, body: offersAnswered(urls) };
  }

  private async ask(request: CsnRequest, device: KnownDevice, heartbeat: ReportedHeartbeat): Promise<string> {
    const urls = await this.urls(request, device, heartbeat.signed, heartbeat.offers);
    // Without them the heartbeat is as good; the next one is answered with what was missed.
    const open = await this.parts.known.requests.get(device.namespace).catch(() => undefined);
    return answerTo(device, heartbeat, open ?? [], urls);
  }

  private async urls(
    request: CsnRequest,
    device: KnownDevice,
    { messageId, date }: Signed,
    offered: readonly OfferedReading[],
  ): Promise<string[]> {
    if (offered.length === 0) return [];
    const base = request.base();
    const { answers } = await this.parts.offers.offer({
      ...{ namespace: device.namespace, device: device.id, identity: `${messageId}/${date}` },
      offers: offered.map(({ start, end, ...offer }) => ({
        ...{ ...offer, start: BigInt(start), end: BigInt(end) },
        sensorType: device.sensors.get(offer.sensor)?.sensorType ?? "",
      })),
    });
    return offered.map((_, index) => {
      const token = answers[index]?.token ?? "";
      return token === "" ? "" : uploadUrl(base, token);
    });
  }
}

/** A9: at least one offer, signed. */
export function readOffers(bytes: Uint8Array): { signed: Signed; offers: OfferedReading[] } | Refusal {
  const message = decode(saf.SensorReadingOfferMessageSchema, bytes);
  if (message === undefined) return refusals.undecodable;
  if (message.clientSignature === undefined) return refusals.missing("client_signature");
  if (message.sensorReadings.length === 0) return refusals.missing("sensor_readings");
  const read = readDescriptions(message.sensorReadings);
  if (read instanceof Refusal) return read;
  const signed = readSigned(rawSignature(message.clientSignature));
  return signed instanceof Refusal ? signed : { signed, offers: read };
}

/** The requests that the client has not heard of yet, and its newest one. */
function answerTo(
  device: KnownDevice,
  { signed, location, body }: ReportedHeartbeat,
  open: OpenRequests,
  urls: readonly string[],
): string {
  const known = body.value.latestRequestId ?? 0n;
  const place = location ?? device.location;
  const news = open.filter(({ number, asked }) => number > known && concerns(asked, device.id, place));
  const sent = news
    .filter(({ asked }) => Number(asked?.expiresAt) > signed.sentAt)
    .slice(0, limits.requestsPerHeartbeat);
  return heartbeatAnswer({
    latestRequestId: sent.at(-1)?.number ?? known,
    dataRequests: sent.map(toDataRequest),
    currentDataUploadUrls: [...urls],
    ...(device.metadataChanged ? { metadataChanged: true } : {}),
  });
}

type Place = { readonly latitude: number; readonly longitude: number };

const SENSOR = /^\d{1,19}$/;

/** Whether CSN's clients can be told of it, and it is for this one. */
function concerns(asked: registry.DataRequested | undefined, device: string, place: Place | undefined) {
  if (asked === undefined || (asked.sensor !== "" && !SENSOR.test(asked.sensor))) return false;
  if (asked.device !== "") return asked.device === device;
  return place !== undefined && isNear(asked.points, asked.withinM, place.latitude, place.longitude);
}

function toDataRequest({ number, asked }: offers.DataRequest) {
  const { sensor, current, start, end, points, withinM } = asked as registry.DataRequested;
  return {
    requestId: number,
    ...(sensor === "" ? {} : { sensorId: BigInt(sensor) }),
    ...(current ? { provideCurrentData: true } : {}),
    ...(start === undefined ? {} : { startDate: formatDate(Number(start)) }),
    ...(end === undefined ? {} : { endDate: formatDate(Number(end)) }),
    ...(points.length === 0
      ? {}
      : {
          latitude: points.map(({ latitude }) => latitude),
          longitude: points.map(({ longitude }) => longitude),
          thresholdDistance: Math.round(withinM),
        }),
  };
}
