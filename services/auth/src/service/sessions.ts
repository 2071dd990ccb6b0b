import { randomBytes } from "node:crypto";
import type { Aggregates } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import {
  endSession,
  isOpen,
  type NewSession,
  type StartedSession,
  session,
  sessionOf,
  startSession,
} from "../decisions/session.js";
import type { CreatedUser } from "../decisions/user.js";
import { hashOf } from "./secret-hash.js";

const HASH_BYTES = 32;

/** Starts, checks and ends people's sessions. Of a token, only its hash is kept. */
export class Sessions {
  constructor(
    private readonly aggregates: Aggregates,
    private readonly now: () => number = Date.now,
  ) {}

  /** The token is in the answer and nowhere else. */
  async start({ id: userId, name: userName }: Pick<CreatedUser, "id" | "name">) {
    const token = randomBytes(32).toString("hex");
    const started: NewSession = { userId, userName, expiresAt: this.now() + limits.sessionMs };
    const id = sessionOf(hashOf(token));
    const { snapshot } = await this.aggregates.transact(session, id, startSession(started), `user:${userId}`);
    return { ...started, token, sequence: snapshot.sequence };
  }

  /** On the newest state, whichever replica started or ended it. undefined: none, expired or ended. */
  async check(tokenHash: Uint8Array): Promise<StartedSession | undefined> {
    if (tokenHash.length !== HASH_BYTES) return undefined;
    const { state } = await this.aggregates.current(session, sessionOf(tokenHash));
    return isOpen(state, this.now()) ? state : undefined;
  }

  /** Asked twice, or of none, succeeds. */
  async end(tokenHash: Uint8Array): Promise<void> {
    if (tokenHash.length !== HASH_BYTES) return;
    await this.aggregates.transact(session, sessionOf(tokenHash), endSession, "system");
  }
}
