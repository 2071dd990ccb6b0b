import { limits } from "@fieldlog/contracts";
import type { Logger } from "@fieldlog/runtime";
import { apiKeyCalls } from "./api-keys.js";
import type { AuthCalls, AuthParts } from "./calls.js";
import { credentialCalls } from "./credentials.js";
import { deviceSessionCalls } from "./device-sessions.js";
import { memberCalls } from "./members.js";
import { namespaceCalls } from "./namespaces.js";
import { userCalls } from "./users.js";

export interface AuthServiceOptions extends AuthParts {
  /** True as soon as queries see that sequence; false after the time (ms). */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly logger: Pick<Logger, "warn">;
}

/** fieldlog.auth.v1.AuthService: requests to calls, results to answers. */
export function authService({ waitFor, logger, ...parts }: AuthServiceOptions): AuthCalls {
  const seen = async (sequence: number) => {
    const inTime = await waitFor(sequence, limits.readYourWritesMs).catch(() => false);
    if (!inTime) logger.warn({ sequence }, "answered before the read model has it");
  };
  const answering = { ...parts, seen };
  return {
    ...credentialCalls(answering),
    ...apiKeyCalls(answering),
    ...namespaceCalls(answering),
    ...userCalls(answering),
    ...deviceSessionCalls(answering),
    ...memberCalls(answering),
  };
}
