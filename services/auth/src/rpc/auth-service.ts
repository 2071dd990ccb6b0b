import { limits } from "@fieldlog/contracts";
import type { Logger } from "@fieldlog/runtime";
import { apiKeyCalls } from "./api-keys.js";
import type { Answering, AuthCalls } from "./calls.js";
import { credentialCalls } from "./credentials.js";
import { deviceSessionCalls } from "./device-sessions.js";
import { memberCalls } from "./members.js";
import { namespaceCalls } from "./namespaces.js";
import { userCalls } from "./users.js";

export interface SeeingOptions {
  /** True as soon as queries see that sequence; false after the time (ms). */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly logger: Pick<Logger, "warn">;
}

/** As {@link Answering.seen}. */
export function seeing({ waitFor, logger }: SeeingOptions): Answering["seen"] {
  return async (sequence) => {
    const inTime = await waitFor(sequence, limits.readYourWritesMs).catch(() => false);
    if (!inTime) logger.warn({ sequence }, "answered before the read model has it");
  };
}

/** fieldlog.auth.v1.AuthService: requests to calls, results to answers. */
export function authService(answering: Answering): AuthCalls {
  return {
    ...credentialCalls(answering),
    ...apiKeyCalls(answering),
    ...namespaceCalls(answering),
    ...userCalls(answering),
    ...deviceSessionCalls(answering),
    ...memberCalls(answering),
  };
}
