import type { PublicationProperties } from "@fieldlog/admission";

/** A PUBLISH as a client sent it; its topic is whole (no alias) and valid as MQTT has it. */
export interface InboundPublish {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly clientId: string;
  /** MQTT 5 only. */
  readonly properties?: InboundProperties | undefined;
  /** Of a message with QoS 2: tells it from all others, however often it is sent. */
  readonly identity?: string | undefined;
}

/** MQTT 5, section 3.3.2.3. */
export interface InboundProperties {
  readonly payloadFormatIndicator?: boolean | number | undefined;
  /** Seconds. */
  readonly messageExpiryInterval?: number | undefined;
  readonly contentType?: string | undefined;
  readonly responseTopic?: string | undefined;
  readonly correlationData?: Uint8Array | undefined;
  /** In the order of sending; a name may come more than once. */
  readonly userProperties?: readonly (readonly [name: string, value: string])[] | undefined;
}

/** What the log keeps of the properties; undefined: nothing was said. `now`: ms since 1970 UTC. */
export function keptProperties(
  given: InboundProperties | undefined,
  now: number,
): PublicationProperties | undefined {
  if (given === undefined) return undefined;
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic } = given;
  const userProperties = given.userProperties ?? [];
  const nothing =
    !payloadFormatIndicator &&
    messageExpiryInterval === undefined &&
    contentType === undefined &&
    responseTopic === undefined &&
    given.correlationData === undefined &&
    userProperties.length === 0;
  if (nothing) return undefined;
  return {
    utf8: Boolean(payloadFormatIndicator),
    contentType: contentType ?? "",
    responseTopic: responseTopic ?? "",
    correlationData: given.correlationData,
    userProperties,
    expiresAt: messageExpiryInterval === undefined ? undefined : now + messageExpiryInterval * 1000,
  };
}
