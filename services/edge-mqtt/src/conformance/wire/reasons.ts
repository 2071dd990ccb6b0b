// Reason codes of MQTT 5.0, section 2.4, and return codes of 3.1.1, section 3.2.2.3, as far as tests name them.

/** A packet that cannot be read, or that the protocol does not allow here: servers may see it either way. */
export const MALFORMED = [0x81, 0x82] as const;
export const NO_MATCHING_SUBSCRIBERS = 0x10;
export const NO_SUBSCRIPTION_EXISTED = 0x11;
export const UNSPECIFIED = 0x80;
export const UNSUPPORTED_VERSION = 0x84;
export const NOT_AUTHORIZED = 0x87;
export const BAD_AUTHENTICATION_METHOD = 0x8c;
export const KEEP_ALIVE_TIMEOUT = 0x8d;
export const TAKEN_OVER = 0x8e;
export const INVALID_FILTER = 0x8f;
export const INVALID_TOPIC = 0x90;
export const ID_NOT_FOUND = 0x92;
export const RECEIVE_MAXIMUM_EXCEEDED = 0x93;
export const INVALID_TOPIC_ALIAS = 0x94;
export const PACKET_TOO_LARGE = 0x95;
export const PAYLOAD_FORMAT_INVALID = 0x99;

export const V3_UNACCEPTABLE_LEVEL = 1;
export const V3_IDENTIFIER_REJECTED = 2;
export const V3_NOT_AUTHORIZED = 5;
/** In SUBACK. */
export const V3_FAILURE = 0x80;
