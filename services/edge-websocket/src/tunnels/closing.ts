/** Why one end of a tunnel is over. */
export interface Closing {
  /** Of its WebSocket: RFC 6455, section 7.4; from 4000 on our own, as HTTP has them. */
  readonly code: number;
  readonly reason: string;
}

/** Bytes of a reason in a close frame (RFC 6455, section 5.5), less two for the code. */
const REASON_BYTES = 123;

const closing = (code: number, reason: string): Closing => ({ code, reason });

export const closings = {
  done: (who: string) => closing(1_000, `the ${who} closed it`),
  bothEnded: closing(1_000, "both sides have ended"),
  stopping: closing(1_001, "the server stops"),
  notBinary: closing(1_003, "bytes go in binary messages, and none after an empty one"),
  bytesLost: closing(1_011, "bytes were lost between two edges"),
  badToken: closing(4_401, "the URL is none, was used, or its time is over"),
  keyRevoked: closing(4_401, "the API key was revoked"),
  notAllowed: (why: string) => closing(4_403, why),
  idle: closing(4_408, "no bytes for too long"),
  tooLong: closing(4_408, "it may not stay open for longer"),
  notThere: (why: string) => closing(4_409, why),
  broke: (who: string) => closing(4_410, `the connection of the ${who} broke`),
  deviceGone: closing(4_410, "the device was removed"),
  edgeLost: closing(4_410, "the edge of the other side is lost"),
  disabled: closing(4_423, "the namespace is disabled"),
  tooMany: (where: string) => closing(4_429, `too many tunnels ${where}`),
  noRemoteAccess: closing(4_501, "the device takes no remote access"),
  deviceFailed: (why: string) => closing(4_502, why),
  unavailable: closing(4_503, "a service does not answer; come again"),
  noAnswer: (why: string) => closing(4_504, why),
} as const;

/** As much of the reason as a close frame takes, and no half character. */
export function reasonText(reason: string): string {
  return new TextDecoder().decode(Buffer.from(reason).subarray(0, REASON_BYTES), { stream: true });
}
