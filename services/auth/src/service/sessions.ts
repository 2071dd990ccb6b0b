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
    /** Without a read model: a session's history is two decisions at most. */
    private readonly aggregates: Aggregates,
    private readonly now: () => number = Date.now,
  ) {}

  /** The token is in the answer and nowhere else. */
  async start(
    user: Pick<CreatedUser, "id" | "name">,
  ): Promise<NewSession & { token: string; sequence: number }> {
    const token = randomBytes(32).toString("hex");
    const started = { userId: user.id, userName: user.name, expiresAt: this.now() + limits.sessionMs };
    const id = sessionOf(hashOf(token));
    const begun = await this.aggregates.begin(session, id, startSession(started), `user:${user.id}`);
    // Of 2^256 tokens one is taken that was given before: never, but then another one is.
    return begun ? { ...started, token, sequence: begun.sequence } : this.start(user);
  }

  /** On the newest state, whichever replica started or ended it. undefined: none, expired or ended. */
  async check(tokenHash: Uint8Array): Promise<StartedSession | undefined> {
    if (tokenHash.length !== HASH_BYTES) return undefined;
    const { state } = await this.aggregates.current(session, sessionOf(tokenHash));
    return isOpen(state, this.now()) ? state : undefined;
  }

  /** Of a user or a device. Asked twice, or of none, succeeds. */
  async end(tokenHash: Uint8Array): Promise<void> {
    if (tokenHash.length !== HASH_BYTES) return;
    const id = sessionOf(tokenHash);
    const { state } = await this.aggregates.current(session, id);
    if (state.phase !== "started" && state.phase !== "of a device") return;
    const who = state.phase === "started" ? `user:${state.userId}` : `device:${state.device}`;
    await this.aggregates.transact(session, id, endSession, who);
  }
}
