import { randomUUID } from "node:crypto";
import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { INSTALLATION, limits } from "@fieldlog/contracts";
import { AlreadyExists, NotFound, TooBusy, TooMany, WrongPassword } from "../decisions/refusals.js";
import {
  type CreatedUser,
  checkNewUser,
  createUser,
  isPassword,
  isUserName,
  user,
  userNamed,
} from "../decisions/user.js";
import type { Keyring } from "./keyring.js";
import type { Lookup } from "./lookup.js";
import type { Passwords } from "./passwords.js";
import type { WrongPasswords } from "./wrong-passwords.js";

export interface UsersOptions {
  readonly aggregates: Aggregates;
  readonly snapshots: Snapshots;
  readonly lookup: Lookup;
  readonly keyring: Keyring;
  readonly passwords: Passwords;
  readonly wrongPasswords: WrongPasswords;
}

/** Creates users, finds them, and knows them by their passwords. */
export class Users {
  constructor(private readonly options: UsersOptions) {}

  /** `isGone`: who asked waits no more. Raises AlreadyExists, InvalidField, TooMany, TooBusy. */
  async create(asked: { name: string; password: string }, isGone: () => boolean): Promise<CreatedUser> {
    const { aggregates, snapshots, keyring, passwords } = this.options;
    checkNewUser(asked);
    const { name } = asked;
    if ((await snapshots.count(user, INSTALLATION)) >= limits.users) throw new TooMany("users", limits.users);
    // Also decided below; but hashing is dear.
    if (await this.find(name)) throw new AlreadyExists("user", name);
    const id = randomUUID();
    const phc = await passwords.hash(asked.password, () => refuseIf(isGone()));
    const passwordHash = keyring.sealOwn(Buffer.from(phc), passwordContext(name));
    const decide = createUser({ id, name, passwordHash });
    const { snapshot } = await aggregates.transact(user, userNamed(name), decide, `user:${id}`);
    return snapshot.state as CreatedUser;
  }

  /** `isGone`: who asked waits no more. Raises NotFound, WrongPassword, TooManyWrongPasswords, TooBusy. */
  async authenticate(name: string, password: string, isGone: () => boolean): Promise<CreatedUser> {
    const { keyring, passwords, wrongPasswords } = this.options;
    const found = await this.named(name);
    wrongPasswords.check(name);
    // No password that anybody has; not worth a hash.
    if (!isPassword(password)) {
      wrongPasswords.begin(name);
      throw new WrongPassword();
    }
    const phc = keyring.unsealOwn(found.passwordHash, passwordContext(name)).toString("utf8");
    let right = () => {};
    const is = await passwords.verify(phc, password, () => {
      refuseIf(isGone());
      right = wrongPasswords.begin(name);
    });
    if (!is) throw new WrongPassword();
    right();
    return found;
  }

  /** On the newest state. Raises NotFound. */
  async named(name: string): Promise<CreatedUser> {
    const found = isUserName(name) ? await this.find(name) : undefined;
    if (!found) throw new NotFound("user");
    return found;
  }

  /** On the newest state. Raises NotFound. */
  async withId(id: string): Promise<CreatedUser> {
    const [found] = await this.options.lookup.find(user, id, ({ id: name }) => this.find(name));
    if (!found) throw new NotFound("user");
    return found;
  }

  private async find(name: string): Promise<CreatedUser | undefined> {
    const { state } = await this.options.aggregates.current(user, userNamed(name));
    return state.phase === "created" ? state : undefined;
  }
}

/** Nobody hears the answer of one that waited for too long, and a hash would make the next one wait for nothing. */
function refuseIf(isGone: boolean): void {
  if (isGone) throw new TooBusy();
}

/** Where a user's password hash is sealed for. */
export function passwordContext(name: string): string {
  return `${INSTALLATION}/user/${name}`;
}
