import type { OwnWrites } from "@fieldlog/admission";
import { deviceKey, type Known, type KnownDevice } from "@fieldlog/admission";
import {
  type AggregateId,
  type auth,
  type devices,
  positionOf,
  REGISTRY,
  type registry,
  saf,
} from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { RpcClient } from "@fieldlog/rpc";
import { LRUCache } from "lru-cache";
import { editorUrlOf } from "../edit-page/edit-page.js";
import { type Answer, answered, created, described, refused, updated } from "./answer.js";
import { readEditorTokenRequest, readKeyValueRequest } from "./client-requests.js";
import { type CsnRequest, type Door, refusalFor } from "./door.js";
import { openNamespace } from "./open-namespace.js";
import { Refusal, refusals } from "./refusal.js";
import {
  readCreate,
  readMetadataRequest,
  readUpdate,
  refuseClaims,
  type UpdateMessage,
} from "./registration.js";
import type { Signed } from "./signed.js";
import { CREDENTIAL_KIND, DIALECT, fromMetadata, fromProperty, fromSensor } from "./words.js";

export interface CommandParts {
  readonly door: Door;
  readonly known: Known;
  readonly auth: Pick<RpcClient<typeof auth.AuthService>, "issueDeviceCredential">;
  readonly devices: Pick<
    RpcClient<typeof devices.DevicesService>,
    "registerDevice" | "removeDevice" | "updateDevice" | "getDevice" | "confirmMetadata" | "createEditToken"
  >;
  readonly registry: Pick<EventLog["registry"], "read">;
  readonly ownWrites: OwnWrites;
}

/** Updates whose answers are remembered for a sender that did not get them. */
const REMEMBERED = 1_000;

/** What asks another service to decide. Throws what `refusalOf` knows. */
export class Commands {
  /** By device and identity of the message. */
  private readonly updates = new LRUCache<string, Promise<Answer>>({ max: REMEMBERED });

  constructor(private readonly parts: CommandParts) {}

  /**
   * A registration is two decisions: the device's, then its credential's. Where the second fails nobody has the device,
   * and it is removed again if that can be: it may have a name that is one device's alone.
   */
  async create(request: CsnRequest): Promise<Answer> {
    const asked = readCreate(request.body);
    if (asked instanceof Refusal) return refused(asked);
    const namespace = await openNamespace(this.parts.known, request);
    if (namespace instanceof Refusal) return refused(namespace);
    if (namespace.disabled) return refused(refusals.disabled);
    const options = tracedBy(request);
    const { device } = await this.parts.devices.registerDevice(
      { ...asked, namespace: namespace.id, dialect: DIALECT },
      options,
    );
    if (device === undefined) throw new Error("devices registered a device and did not say which");
    const registered = { namespace: namespace.id, device: device.id };
    const { secret, sequence } = await this.parts.auth
      .issueDeviceCredential({ ...registered, kind: CREDENTIAL_KIND }, options)
      .catch(async (error) => {
        // That it failed is what the client is told, whatever became of the device.
        await this.parts.devices.removeDevice({ ...registered, decidedBy: "system" }).catch(() => undefined);
        throw error;
      });
    this.parts.ownWrites.note(namespace.id, REGISTRY, Number(sequence));
    const sensorIds = device.sensors.map((sensor) => sensor.id);
    const position = positionOf(Number(sequence), 0);
    return { http: 200, body: created(device.id, secret, sensorIds), position };
  }

  async update(request: CsnRequest): Promise<Answer> {
    const message = readUpdate(request.body);
    if (message instanceof Refusal) return refused(message);
    const { signed, claimedTypes } = message;
    const device = await this.parts.door.verified(request, signed);
    if (device instanceof Refusal) return refused(device);
    const wrongType = refuseClaims(claimedTypes, device.sensors);
    if (wrongType !== undefined) return refused(wrongType);
    const outcome = await this.parts.door.claim(request, device, signed);
    if (outcome.kind !== "stored" && outcome.kind !== "resend") return refused(refusalFor(outcome, signed));
    return this.once(request, device, message, outcome.kind === "resend");
  }

  /** Answers from the newest decision; asked again with the same message, answers again. */
  async metadata(request: CsnRequest): Promise<Answer> {
    const message = readMetadataRequest(request.body);
    if (message instanceof Refusal) return refused(message);
    const known = await this.sender(request, message.signed);
    if (known instanceof Refusal) return refused(known);
    const device = await this.newest(request, known);
    if (device?.metadataChanged) await this.confirm(request, known, device.sequence);
    const sensors = (message.includeSensors ? device?.sensors : undefined) ?? [];
    return {
      http: 200,
      body: described({
        clientData: fromMetadata(device?.metadata),
        sensorData: sensors
          .filter((sensor) => !sensor.removed)
          .map(({ id, sensorType, details }) => fromSensor(id, sensorType, details)),
      }),
    };
  }

  /** A value for each key, in order; all or none. */
  async keyValues(request: CsnRequest): Promise<Answer> {
    const message = readKeyValueRequest(request.body);
    if (message instanceof Refusal) return refused(message);
    const known = await this.sender(request, message.signed);
    if (known instanceof Refusal) return refused(known);
    const properties = (await this.newest(request, known))?.metadata?.properties ?? {};
    const clientData: ReturnType<typeof fromProperty>[] = [];
    for (const key of message.keys) {
      const value = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (value === undefined) return refused(refusals.noSuchKey(key));
      clientData.push(fromProperty(key, value));
    }
    return answered(saf.ClientKeyValueResponseSchema, { clientData });
  }

  /** Another token each time, also for the same message. */
  async editorToken(request: CsnRequest): Promise<Answer> {
    const message = readEditorTokenRequest(request.body);
    if (message instanceof Refusal) return refused(message);
    const known = await this.sender(request, message.signed);
    if (known instanceof Refusal) return refused(known);
    const { namespace, id } = known;
    const { token } = await this.parts.devices.createEditToken({ namespace, device: id }, tracedBy(request));
    const editorUrl = editorUrlOf(request.base(), request.namespace, id, token);
    return answered(saf.ClientEditorTokenResponseSchema, { editorUrl, token });
  }

  /** Who sent a message that only asks; its identity is used up. */
  private async sender(request: CsnRequest, signed: Signed): Promise<KnownDevice | Refusal> {
    const known = await this.parts.door.verified(request, signed);
    if (known instanceof Refusal) return known;
    const outcome = await this.parts.door.claim(request, known, signed);
    return outcome.kind === "stored" || outcome.kind === "resend" ? known : refusalFor(outcome, signed);
  }

  private async newest(
    request: CsnRequest,
    { namespace, id }: KnownDevice,
  ): Promise<devices.Device | undefined> {
    const { device } = await this.parts.devices.getDevice({ namespace, device: id }, tracedBy(request));
    return device;
  }

  /** Before the answer, which may be lost on its way: a client has to ask again then, as after any answer it did not get. */
  private async confirm(
    request: CsnRequest,
    { namespace, id }: KnownDevice,
    sequence: bigint,
  ): Promise<void> {
    await this.parts.devices.confirmMetadata({ namespace, device: id, sequence }, tracedBy(request));
    this.parts.known.devices.invalidate(deviceKey(namespace, id));
  }

  /** The same message leads to one decision, and gets that one's answer as often as it is sent. */
  private once(
    request: CsnRequest,
    device: KnownDevice,
    message: UpdateMessage,
    resend: boolean,
  ): Promise<Answer> {
    const { messageId, date } = message.signed;
    const name = `${deviceKey(device.namespace, device.id)}/${messageId}/${date}`;
    const known = this.updates.get(name);
    if (known !== undefined) return known;
    const answer = this.decide(request, device, message, resend);
    this.updates.set(name, answer);
    answer.catch(() => this.updates.delete(name));
    return answer;
  }

  private async decide(
    request: CsnRequest,
    device: KnownDevice,
    message: UpdateMessage,
    resend: boolean,
  ): Promise<Answer> {
    const { namespace, id } = device;
    const decidedBy = askedBy(device, message.signed);
    if (resend) {
      const decided = await this.decidedBy({ namespace, kind: "device", id }, decidedBy);
      if (decided !== undefined) return { http: 200, body: updated(true, addedBy(decided)) };
    }
    const result = await this.parts.devices.updateDevice(
      { ...message.update, namespace, device: id, decidedBy },
      tracedBy(request),
    );
    this.parts.known.devices.invalidate(deviceKey(namespace, id));
    const body = updated(result.changed, result.newSensorIds);
    if (!result.changed || result.device === undefined) return { http: 200, body };
    const sequence = Number(result.device.sequence);
    this.parts.ownWrites.note(namespace, REGISTRY, sequence);
    return { http: 200, body, position: positionOf(sequence, 0) };
  }

  /** The decision that another edge, or this one before it was started, got for the same message. */
  private async decidedBy(id: AggregateId, who: string): Promise<registry.Decision | undefined> {
    const history = await this.parts.registry.read(id, 0);
    return history.find(({ decision }) => decision.decidedBy === who)?.decision;
  }
}

/** Who asked for the decision, and with which message. */
function askedBy(device: KnownDevice, { messageId, date }: Signed): string {
  return `device:${device.id}/${messageId}/${date}`;
}

/** Ids of the sensors that the decision added, in order. */
function addedBy(decision: registry.Decision): string[] {
  return decision.events.flatMap(({ event }) => (event.case === "sensorAdded" ? [event.value.sensor] : []));
}

function tracedBy({ traceParent }: CsnRequest) {
  return traceParent === "" ? {} : { traceParent };
}
