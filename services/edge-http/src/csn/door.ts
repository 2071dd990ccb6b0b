import { type Digest, deviceKey, digestOf, type Known, type KnownDevice } from "@fieldlog/admission";
import type { Admission, Outcome, SignedDraft } from "../admit/admission.js";
import { type Answer, eventTaken, refused } from "./answer.js";
import { formatDate } from "./dates.js";
import { type Reported, readEvent } from "./event.js";
import { type ReportedHeartbeat, readHeartbeat } from "./heartbeat.js";
import { type OfferedReading, refuseSensors } from "./reading-descriptions.js";
import { Refusal, refusals, StatusType } from "./refusal.js";
import { fillSensors } from "./sensors.js";
import { isSignedBy } from "./signature.js";
import type { Signed } from "./signed.js";

/** A CSN request, out of HTTP. */
export interface CsnRequest {
  /** Name or id, as in the path. */
  readonly namespace: string;
  /** Decimal; empty: the path has none. */
  readonly client: string;
  readonly body: Uint8Array;
  readonly userAgent: string | undefined;
  /** W3C; empty: not traced. */
  readonly traceParent: string;
  /** When it had arrived: ms since 1970 UTC. */
  readonly receivedAt: number;
  /** Where the door is, as the client reaches it; without a slash at its end. */
  readonly base: () => string;
}

export interface DoorParts {
  readonly known: Known;
  readonly admission: Admission;
  /** Milliseconds that a message's date may differ from the clock. */
  readonly windowMs: number;
}

/** What a device is answered whose message is in the log. */
type Taken = (device: KnownDevice) => string | Promise<string>;

const isTaken: Taken = () => eventTaken;
const NONE: readonly OfferedReading[] = [];

/** Milliseconds after which a device is asked for again when it speaks of a sensor that nobody here knows. */
const RELOAD_AFTER_MS = 1_000;

/**
 * The signed messages: what was decoded is held against what is known of the device, and then admitted.
 * Order of the checks (A3): form, required fields, signature's fields, client, signature, date, replay.
 * Answers at once or with a promise; throws only what was not foreseen, or see `refusalOf`.
 */
export class Door {
  constructor(private readonly parts: DoorParts) {}

  event(request: CsnRequest): Answer | Promise<Answer> {
    const reported = readEvent(request.body);
    return reported instanceof Refusal ? refused(reported) : this.signal(request, reported, isTaken, NONE);
  }

  /** @param taken what a device is answered whose heartbeat is in the log */
  heartbeat(
    request: CsnRequest,
    taken: (device: KnownDevice, heartbeat: ReportedHeartbeat) => string | Promise<string>,
  ): Answer | Promise<Answer> {
    const heartbeat = readHeartbeat(request.body, request.userAgent);
    if (heartbeat instanceof Refusal) return refused(heartbeat);
    return this.signal(request, heartbeat, (device) => taken(device, heartbeat), heartbeat.offers);
  }

  /** Who sent it, once it is certain: the client is known, the signature right, the date good. */
  async verified(request: CsnRequest, signed: Signed): Promise<KnownDevice | Refusal> {
    const device = this.peek(request) ?? (await this.find(request));
    if (device === undefined) return refusals.unknownClient(request.client);
    return this.verify(request, device, signed) ?? device;
  }

  /** Uses up the identity of a message that reports nothing, so that no edge takes it for another. */
  claim(request: CsnRequest, device: KnownDevice, signed: Signed): Outcome | Promise<Outcome> {
    const draft = this.draft(request, device, { signed, occurredAt: signed.sentAt, location: undefined });
    return this.append(device, signed, draft);
  }

  private signal(
    request: CsnRequest,
    reported: Reported,
    taken: Taken,
    offers: readonly OfferedReading[],
  ): Answer | Promise<Answer> {
    const device = this.peek(request);
    if (device !== undefined) return this.admit(request, reported, device, taken, offers);
    return this.find(request).then((found) =>
      found === undefined
        ? refused(refusals.unknownClient(request.client))
        : this.admit(request, reported, found, taken, offers),
    );
  }

  private admit(
    request: CsnRequest,
    reported: Reported,
    device: KnownDevice,
    taken: Taken,
    offers: readonly OfferedReading[],
  ): Answer | Promise<Answer> {
    const refusal =
      this.verify(request, device, reported.signed) ??
      fillSensors(reported.body, device.sensors) ??
      refuseSensors(offers, device.sensors);
    if (refusal !== undefined) {
      const mayBeNew = refusal.type === StatusType.UNKNOWN_SENSOR;
      if (!mayBeNew || request.receivedAt - device.loadedAt < RELOAD_AFTER_MS) return refused(refusal);
      return this.admitAnew(request, reported, device, taken, offers);
    }
    const draft = this.draft(request, device, reported);
    draft.body = reported.body;
    const outcome = this.append(device, reported.signed, draft);
    const answer = (result: Outcome) => answerTo(result, reported.signed, () => taken(device));
    return outcome instanceof Promise ? outcome.then(answer) : answer(outcome);
  }

  /** Another edge may have added the sensor a moment ago. */
  private async admitAnew(
    request: CsnRequest,
    reported: Reported,
    device: KnownDevice,
    taken: Taken,
    offers: readonly OfferedReading[],
  ): Promise<Answer> {
    this.parts.known.devices.invalidate(deviceKey(device.namespace, device.id));
    const found = await this.find(request);
    if (found === undefined) return refused(refusals.unknownClient(request.client));
    return this.admit({ ...request, receivedAt: found.loadedAt }, reported, found, taken, offers);
  }

  private verify(request: CsnRequest, device: KnownDevice, signed: Signed): Refusal | undefined {
    const { date, sentAt, messageId, signature } = signed;
    const now = request.receivedAt;
    if (!isSignedBy(signature, date, messageId, device.secret)) return refusals.badSignature;
    if (!device.budget.take(now)) return refusals.overQuota(1);
    // It was looked up to find the device.
    if (this.parts.known.namespaces.peek(request.namespace)?.disabled) return refusals.disabled;
    const { windowMs } = this.parts;
    return Math.abs(sentAt - now) > windowMs
      ? refusals.invalid(
          `Date "${date}" is more than ${windowMs / 1000} s away from the server's time, ${formatDate(now)}.`,
        )
      : undefined;
  }

  private draft(request: CsnRequest, device: KnownDevice, reported: Omit<Reported, "body">): SignedDraft {
    const { signed, occurredAt, location } = reported;
    const digest: Digest = digestOf(request.body);
    return {
      device: device.id,
      identity: `${signed.messageId}/${signed.date}`,
      digest,
      receivedAt: request.receivedAt,
      occurredAt,
      sentAt: signed.sentAt,
      location,
      traceParent: request.traceParent,
      publication: undefined,
      body: undefined,
    };
  }

  private append(device: KnownDevice, signed: Signed, draft: SignedDraft): Outcome | Promise<Outcome> {
    const key = deviceKey(device.namespace, device.id);
    return this.parts.admission.append(key, device.namespace, signed.messageId, draft);
  }

  private peek(request: CsnRequest): KnownDevice | undefined {
    const { namespaces, devices } = this.parts.known;
    const namespace = namespaces.peek(request.namespace);
    return namespace && devices.peek(deviceKey(namespace.id, request.client));
  }

  private async find(request: CsnRequest): Promise<KnownDevice | undefined> {
    const { namespaces, devices } = this.parts.known;
    const namespace = await namespaces.get(request.namespace);
    return namespace && devices.get(deviceKey(namespace.id, request.client));
  }
}

function answerTo(
  outcome: Outcome,
  signed: Signed,
  taken: () => string | Promise<string>,
): Answer | Promise<Answer> {
  if (outcome.kind !== "stored" && outcome.kind !== "resend") return refused(refusalFor(outcome, signed));
  const position = outcome.kind === "stored" ? { position: outcome.position } : {};
  const body = taken();
  if (typeof body === "string") return { http: 200, body, ...position };
  return body.then((text) => ({ http: 200, body: text, ...position }));
}

/** Why a message was not let into the log. */
export function refusalFor(
  outcome: Exclude<Outcome, { kind: "stored" | "resend" }>,
  { messageId }: Signed,
): Refusal {
  switch (outcome.kind) {
    case "unavailable":
      return refusals.unavailable(outcome.retryAfterS);
    case "used":
      return refusals.invalid(`Message id ${messageId} was used by another message.`);
    case "too-old":
      return refusals.invalid(`Message id ${messageId} is too far below the highest one.`);
    case "too-large":
      return new Refusal(StatusType.INVALID_REQUEST, "The message is too large.", 413);
  }
}
