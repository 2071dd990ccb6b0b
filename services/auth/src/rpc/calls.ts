import type { auth } from "@fieldlog/contracts";
import type { ServiceImpl } from "@fieldlog/rpc";
import type { ApiKeys } from "../service/api-keys.js";
import type { ClearedNamespace } from "../service/clearing.js";
import type { Credentials } from "../service/credentials.js";
import type { DeviceSessions } from "../service/device-sessions.js";
import type { Memberships } from "../service/memberships.js";
import type { Namespaces } from "../service/namespaces.js";
import type { Registrations } from "../service/provisioning/registrations.js";
import type { Sessions } from "../service/sessions.js";
import type { Users } from "../service/users.js";

export type AuthCalls = ServiceImpl<typeof auth.AuthService>;

export interface AuthParts {
  readonly namespaces: Namespaces;
  readonly apiKeys: ApiKeys;
  readonly credentials: Credentials;
  readonly registrations: Registrations;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly deviceSessions: DeviceSessions;
  readonly memberships: Memberships;
  /** By the namespace's id. */
  readonly clear: (namespace: string, decidedBy: string) => Promise<ClearedNamespace>;
}

/** What calls are answered with. */
export interface Answering extends AuthParts {
  /**
   * Resolves when queries see what was decided at that sequence, or after 2 s: it is answered then, because
   * the secret in the answer would be lost otherwise.
   */
  readonly seen: (sequence: number) => Promise<void>;
}
