import { randomUUID } from "node:crypto";
import { limits } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { nameOf, type Principal } from "../access/principal.js";
import { PacketType } from "../codec/packet-type.js";
import type { Connect, ConnectWill } from "../codec/read-connect.js";
import { BadPacket, Reason } from "../codec/reason.js";
import { encodePacket } from "../codec/write.js";
import { QuotaExceeded, SessionLost, SessionNotYours } from "../sessions/errors.js";
import type { Session, Will } from "../sessions/types.js";
import { hubId, isHubUserName } from "../spotflow/login.js";
import type { Client } from "./client.js";
import { connackOf, refuseConnect } from "./connack.js";
import { Deliveries } from "./deliveries.js";
import { isTopicName } from "./topics.js";

/** A session's expiry that means: never (3.1.2.11.2). */
const NEVER = 0xffff_ffff;

/** Answers CONNECT (3.1.4): who it is, its session, CONNACK; or a refusal. */
export async function connect(client: Client, packet: Connect): Promise<void> {
  try {
    check(packet);
    const principal = await login(client, packet);
    if (client.phase === "ended") return;
    await open(client, packet, principal);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) {
      client.parts.logger.error({ err: error, clientId: packet.clientId }, "CONNECT failed");
    }
    refuseConnect(client, refusal ?? new BadPacket(Reason.unspecified, "an error of the server"));
  }
}

/** What can be refused without asking anybody. */
function check({ version, clean, clientId, will, userName, password, properties }: Connect): void {
  if (properties.authenticationMethod !== undefined) {
    throw new BadPacket(Reason.badAuthenticationMethod, "only user name and password"); // [MQTT-4.12.0-1]
  }
  if (Buffer.byteLength(clientId) > limits.mqttLoginBytes) {
    throw new BadPacket(Reason.clientIdNotValid, `a client id of over ${limits.mqttLoginBytes} bytes`);
  }
  if (version === 4 && clientId === "" && !clean) {
    // 3.1.1: [MQTT-3.1.3-8]
    throw new BadPacket(Reason.clientIdNotValid, "a session that outlives its connection needs a client id");
  }
  if (will !== undefined && !isTopicName(will.topic)) {
    throw new BadPacket(Reason.topicNameInvalid, "the will's topic is none");
  }
  const { responseTopic } = will?.properties ?? {};
  if (responseTopic !== undefined && !isTopicName(responseTopic)) {
    throw new BadPacket(Reason.topicNameInvalid, "the will's response topic is none");
  }
  const longest = Math.max(Buffer.byteLength(userName ?? ""), password?.length ?? 0);
  if (longest > limits.mqttLoginBytes) {
    throw new BadPacket(Reason.badUserNameOrPassword, "the user name or the password is too long");
  }
}

async function login(client: Client, { userName, password, will, clientId }: Connect): Promise<Principal> {
  const principal = await client.parts.access.login(userName, password, clientId);
  if (principal === "unavailable") {
    throw new BadPacket(Reason.serverUnavailable, "who may connect cannot be found out at the moment");
  }
  if (principal !== "refused") {
    // A will is published when nobody can be told any more that it may not be.
    if (will === undefined || principal.permission !== "read") return principal;
    throw new BadPacket(Reason.notAuthorized, "this API key may only read, and its client has a will");
  }
  // What a device that was provisioned would take for an error of its own, unless it is told this.
  if (isHubUserName(userName)) throw new BadPacket(Reason.notAuthorized, "the connection token is not good");
  const anonymous = userName === undefined && password === undefined;
  throw anonymous
    ? new BadPacket(Reason.notAuthorized, "a user name and a password are needed")
    : new BadPacket(Reason.badUserNameOrPassword, "user name or password is not right");
}

/** A provisioned device has no choice of its client id, so it is kept for it. */
function checkClientId(clientId: string, { namespace, kind, id }: Principal): void {
  if (!clientId.startsWith(hubId(namespace, ""))) return;
  if (kind === "device" && clientId === hubId(namespace, id)) return;
  throw new BadPacket(Reason.clientIdNotValid, "the client id belongs to a device");
}

async function open(client: Client, packet: Connect, principal: Principal): Promise<void> {
  const { version, clean, properties } = packet;
  const { parts } = client;
  checkClientId(packet.clientId, principal);
  // From now on a revocation reaches it.
  client.principal = principal;
  parts.connections.noteLogin(client, principal);
  const assigned = packet.clientId === "" ? randomUUID() : undefined; // [MQTT-3.1.3-6], [MQTT-3.1.3-7]
  client.clientId = assigned ?? packet.clientId;
  // 3.1.1 has no expiry: a session ends with its client, or never (3.1.2.4 there).
  const asked = version === 5 ? (properties.sessionExpiryInterval ?? 0) : clean ? 0 : NEVER;
  const expiryS = Math.min(asked, limits.mqttSessionS);
  const deliveries = new Deliveries(client, properties.topicAliasMaximum ?? 0);
  client.dialect = parts.dialectOf(client, principal);
  const { session, present } = await parts.sessions.open({
    namespace: principal.namespace,
    namespaceName: principal.namespaceName,
    clientId: client.clientId,
    principal: nameOf(principal),
    sharesAlone: principal.permission === "device" || principal.permission === "read",
    cleanStart: clean, // [MQTT-3.1.2-4]
    expiryS,
    receiveMaximum: properties.receiveMaximum ?? 0xffff, // 3.1.2.11.3
    ...(packet.will && { will: willOf(packet.will) }),
    ...(client.dialect && { implicit: client.dialect.subscriptions }),
    sink: deliveries,
  });
  if ((client.phase as string) === "ended") {
    await session.close({ publishWill: false });
    return;
  }
  client.session = session;
  client.deliveries = deliveries;
  begin(client, packet, principal, expiryS);
  const granted = {
    assignedClientId: assigned,
    sessionPresent: present, // [MQTT-3.2.2-2], [MQTT-3.2.2-3]
    sessionExpiryS: expiryS === asked ? undefined : expiryS,
    keepAliveS: keepAliveOf(packet) === packet.keepAliveS ? undefined : keepAliveOf(packet),
    responseInformation: responseInformation(packet, principal, client.clientId),
  };
  const connack = encodePacket(connackOf(packet, granted), version, client.maximum);
  if (connack === undefined) {
    // Nothing can be said in so few bytes, not even this.
    client.drop("packet too large");
    return;
  }
  client.write(connack, PacketType.connack);
  start(client, session);
}

/** The connection is what CONNECT makes it. */
function begin(client: Client, packet: Connect, principal: Principal, expiryS: number): void {
  const { parts, wire } = client;
  const { version, properties } = packet;
  client.phase = "open";
  client.expiryS = expiryS;
  client.wantsReasons = properties.requestProblemInformation !== 0;
  const keepAliveS = keepAliveOf(packet);
  client.silenceMs = keepAliveS === 0 ? Number.POSITIVE_INFINITY : keepAliveS * 1_500;
  if (principal.expiresAt !== undefined) {
    client.expiresAt = parts.clock() + principal.expiresAt - parts.now();
  }
  client.heard();
  parts.wheel.set(client);
  parts.metrics.connect("accepted");
  parts.metrics.opened(wire.transport, version);
}

function start(client: Client, session: Session): void {
  const { clientId, principal, version, wire } = client;
  client.parts.logger.debug(
    {
      clientId,
      namespace: principal?.namespace,
      principal: principal?.id,
      version,
      transport: wire.transport,
    },
    "connected",
  );
  session.start();
  client.dialect?.started();
}

/**
 * Seconds. A client of MQTT 5 can be told another one than it asked for; of one of 3.1.1 that wants none, the
 * kernel notices when it is gone.
 */
function keepAliveOf({ version, keepAliveS }: Connect): number {
  if (version === 4) return keepAliveS;
  return keepAliveS === 0 ? limits.mqttKeepAliveS : Math.min(keepAliveS, limits.mqttKeepAliveS);
}

/** Where answers to this client may be published (3.1.2.11.6, 3.2.2.3.15): it may subscribe there. */
function responseInformation(
  { properties }: Connect,
  { kind, id }: Principal,
  clientId: string,
): string | undefined {
  if (properties.requestResponseInformation !== 1) return undefined; // [MQTT-3.1.2-28]
  return kind === "device" ? `${id}/` : `responses/${clientId}/`;
}

function willOf({ topic, payload, qos, retain, properties }: ConnectWill): Will {
  const { willDelayInterval, payloadFormatIndicator, correlationData, userProperties } = properties;
  const { contentType, responseTopic, messageExpiryInterval } = properties;
  return {
    // Copies, so that nothing else that came in the same chunk is kept with them.
    ...{ topic, qos, retain, payload: Buffer.from(payload), delayS: willDelayInterval ?? 0 },
    properties: {
      ...(payloadFormatIndicator === undefined
        ? {}
        : { payloadFormatIndicator: payloadFormatIndicator === 1 }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
      ...(userProperties === undefined ? {} : { userProperties }),
      ...(messageExpiryInterval === undefined ? {} : { messageExpiryInterval }),
    },
  };
}

/** The refusal that an error stands for; undefined: none that is foreseen. */
function refusalOf(error: unknown): BadPacket | undefined {
  if (error instanceof BadPacket) return error;
  if (error instanceof SessionNotYours) {
    return new BadPacket(Reason.clientIdNotValid, "the client id belongs to another");
  }
  if (error instanceof QuotaExceeded) return new BadPacket(Reason.quotaExceeded, error.message);
  // Another connection with the same client id came at the same moment, and won.
  if (error instanceof SessionLost) return new BadPacket(Reason.serverBusy, "the client connected elsewhere");
  if (error instanceof LogUnavailable) {
    return new BadPacket(Reason.serverUnavailable, "the log is not available");
  }
  return undefined;
}
