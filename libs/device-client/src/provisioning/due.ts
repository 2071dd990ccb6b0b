import type { RegistrationToken } from "./api.js";
import type { Connection } from "./connection-string.js";

const MINUTE_MS = 60_000;

/**
 * When a registration token is to be refreshed, in ms since 1970 UTC (reference B3): of one that lives longer than 25
 * minutes ten minutes before its end or at half of its life, whichever is earlier; of a shorter one at half of its life.
 */
export function registrationDue({ issuedAt, expiresAt }: RegistrationToken): number {
  if (expiresAt === undefined) return Number.POSITIVE_INFINITY;
  const half = issuedAt + (expiresAt - issuedAt) / 2;
  return expiresAt - issuedAt > 25 * MINUTE_MS ? Math.min(half, expiresAt - 10 * MINUTE_MS) : half;
}

/** When a connection string is to be renewed: before it ends, so that the next connection has a good one. */
export function connectionDue({ issuedAt, expiresAt }: Connection): number {
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : issuedAt + (expiresAt - issuedAt) * 0.75;
}
