/** The MQTT 5 reason codes that the door gives or understands (MQTT 5, 2.4). */
export const Reason = Object.freeze({
  success: 0x00,
  disconnectWithWill: 0x04,
  noSubscriptionExisted: 0x11,
  unspecified: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  unsupportedVersion: 0x84,
  clientIdNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdInUse: 0x91,
  packetIdNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  administrative: 0x98,
  payloadFormatInvalid: 0x99,
  connectionRateExceeded: 0x9f,
} as const);

export type ReasonCode = (typeof Reason)[keyof typeof Reason];

const words = new Map<number, string>(
  Object.entries(Reason).map(([name, code]) => [
    code,
    name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
  ]),
);

/** A code in words, for logs and metrics. */
export function reasonWords(code: number): string {
  return words.get(code) ?? "other";
}

/**
 * What a client sent cannot be accepted as MQTT: the connection ends with this reason code
 * ([MQTT-4.13.1-1]; in 3.1.1 it is closed, [MQTT-4.8.0-1]).
 */
export class BadPacket extends Error {
  override readonly name = "BadPacket";
  constructor(
    readonly code: ReasonCode,
    message: string,
  ) {
    super(message);
  }
}

/** It cannot be parsed (MQTT 5, 1.2: Malformed Packet). */
export function malformed(message: string): BadPacket {
  return new BadPacket(Reason.malformedPacket, message);
}

/** It can be parsed, but does not fit what it says or what came before (MQTT 5, 1.2: Protocol Error). */
export function protocolError(message: string): BadPacket {
  return new BadPacket(Reason.protocolError, message);
}
