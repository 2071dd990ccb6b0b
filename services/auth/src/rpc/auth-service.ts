import { type auth, limits } from "@fieldlog/contracts";
import type { ServiceImpl } from "@fieldlog/rpc";
import type { Logger } from "@fieldlog/runtime";
import type { ApiKeys } from "../service/api-keys.js";
import type { Credentials } from "../service/credentials.js";
import type { Memberships } from "../service/memberships.js";
import type { Namespaces } from "../service/namespaces.js";
import type { Sessions } from "../service/sessions.js";
import type { Users } from "../service/users.js";
import { apiKeyCalls } from "./api-keys.js";
import { credentialCalls } from "./credentials.js";
import { memberCalls } from "./members.js";
import { namespaceCalls } from "./namespaces.js";
import { userCalls } from "./users.js";

export type AuthCalls = ServiceImpl<typeof auth.AuthService>;

export interface AuthParts {
  readonly namespaces: Namespaces;
  readonly apiKeys: ApiKeys;
  readonly credentials: Credentials;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly memberships: Memberships;
}

/** What the calls are answered with. */
export interface Answering extends AuthParts {
  /**
   * Resolves when queries see what was decided at that sequence, or after 2 s: it is answered then, because
   * the secret in the answer would be lost otherwise.
   */
  readonly seen: (sequence: number) => Promise<void>;
}

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
    ...memberCalls(answering),
  };
}
