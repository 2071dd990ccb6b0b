import { create } from "@bufbuild/protobuf";
import { INSTALLATION, registry } from "@fieldlog/contracts";
import { type Decider, InvalidField, type Outcome } from "@fieldlog/decider";
import type { Sealed } from "@fieldlog/sealing";
import { AlreadyExists, NotFound } from "./refusals.js";

// Ids: a user's history is found by the user's name, so that no two can have the same name.

export function userNamed(name: string) {
  return { namespace: INSTALLATION, id: name };
}

const NAME = /^[a-z0-9](-?[a-z0-9])*$/;
const NAME_LENGTH = 64;
const PASSWORD_LENGTH = { least: 8, most: 256 } as const;

export function isUserName(text: string): boolean {
  return text.length <= NAME_LENGTH && NAME.test(text);
}

/** Counts characters, not bytes. */
export function isPassword(text: string): boolean {
  if (text.length > 2 * PASSWORD_LENGTH.most) return false;
  const { length } = [...text];
  return length >= PASSWORD_LENGTH.least && length <= PASSWORD_LENGTH.most;
}

// Events: UserCreated, PasswordHashResealed. Their names and fields are the storage format of the permanent log.

// State

export interface CreatedUser {
  readonly phase: "created";
  /** UUID. */
  readonly id: string;
  readonly name: string;
  /** argon2id in PHC form, sealed by the installation's key. */
  readonly passwordHash: Sealed;
  /** ms since 1970 UTC. */
  readonly createdAt: number;
}

export type User = { readonly phase: "none" } | CreatedUser;

export const user: Decider<User> = {
  kind: "user",
  initial: { phase: "none" },
  evolve: (state, { event }, at) => {
    if (event.case === "passwordHashResealed") {
      const { passwordHash } = event.value;
      return state.phase === "created" && passwordHash !== undefined ? { ...state, passwordHash } : state;
    }
    if (event.case !== "userCreated") return state;
    const { id, name, passwordHash = create(registry.SealedBoxSchema) } = event.value;
    return { phase: "created", id, name, passwordHash, createdAt: at.decidedAt };
  },
};

// Decisions

/** What a new user asks for. Refuses InvalidField. */
export function checkNewUser({ name, password }: { name: string; password: string }): void {
  if (!isUserName(name)) {
    throw new InvalidField("name", "must be 1 to 64 of a to z, 0 to 9 and single hyphens between them");
  }
  if (!isPassword(password)) throw new InvalidField("password", "must have 8 to 256 characters");
}

export interface NewUser {
  readonly id: string;
  readonly name: string;
  readonly passwordHash: Sealed;
}

/** Refuses AlreadyExists. */
export function createUser(asked: NewUser): (state: User) => Outcome<undefined> {
  return (state) => {
    if (state.phase === "created") throw new AlreadyExists("user", asked.name);
    const value = { ...asked, passwordHash: { ...asked.passwordHash } };
    return { events: [{ event: { case: "userCreated", value } }], result: undefined };
  };
}

/** @param reseal the hash, sealed by the key that seals now; undefined: nothing is decided. Refuses NotFound. */
export function resealPasswordHash(reseal: (user: CreatedUser) => Sealed | undefined) {
  return (state: User): Outcome<undefined> => {
    if (state.phase === "none") throw new NotFound("user");
    const passwordHash = reseal(state);
    if (passwordHash === undefined) return { events: [], result: undefined };
    const value = { passwordHash: { ...passwordHash } };
    return { events: [{ event: { case: "passwordHashResealed", value } }], result: undefined };
  };
}
