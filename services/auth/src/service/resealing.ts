import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { INSTALLATION } from "@fieldlog/contracts";
import { countByKey, type ResealAsked, type ResealPage, type Sealed } from "@fieldlog/sealing";
import { namespace, namespaceNamed, resealDataKey } from "../decisions/namespace.js";
import { resealPasswordHash, user, userNamed } from "../decisions/user.js";
import type { Keyring } from "./keyring.js";
import { passwordContext } from "./users.js";

export interface ResealingParts {
  readonly aggregates: Aggregates;
  readonly snapshots: Pick<Snapshots, "page">;
  readonly keyring: Pick<Keyring, "resealed" | "resealedOwn">;
  /** Resolves when the read model has all that is in the log now. */
  readonly caughtUp: () => Promise<void>;
}

/** The box of a namespace or user, and what seals it anew: whether it had to. */
interface Kept {
  readonly id: string;
  readonly box: Sealed;
  readonly reseal: (decidedBy: string) => Promise<boolean>;
}

/** Namespaces' data keys, then users' password hashes, each kind by name; a place in between is `kind/name`. */
const KINDS = ["namespace", "user"] as const;
type Kind = (typeof KINDS)[number];

/** Seals anew what the installation's key sealed here, each by a decision. Raises what Aggregates and Snapshots raise. */
export class Resealing {
  constructor(private readonly parts: ResealingParts) {}

  async page({ after, limit, check, decidedBy }: ResealAsked): Promise<ResealPage> {
    if (after === "") await this.parts.caughtUp();
    const slash = after.indexOf("/");
    const kind = KINDS.find((one) => one === after.slice(0, slash)) ?? KINDS[0];
    const page = await this.kept(kind, after.slice(slash + 1), limit);
    let resealed = 0;
    if (!check) for (const { reseal } of page) if (await reseal(decidedBy)) resealed += 1;
    const found = countByKey(page.map(({ box }) => box));
    return { found, resealed, next: nextOf(kind, page.length < limit ? undefined : page.at(-1)) };
  }

  private async kept(kind: Kind, after: string, limit: number): Promise<Kept[]> {
    return kind === "namespace" ? this.namespaces(after, limit) : this.users(after, limit);
  }

  private async namespaces(after: string, limit: number): Promise<Kept[]> {
    const { aggregates, snapshots, keyring } = this.parts;
    const decide = resealDataKey((state) => keyring.resealed(state));
    const found = await snapshots.page(namespace, INSTALLATION, after, limit);
    return found.flatMap(({ id, state }) => {
      if (state.phase === "none") return [];
      const reseal = async (decidedBy: string) =>
        (await aggregates.transact(namespace, namespaceNamed(id), decide, decidedBy)).appended;
      return [{ id, box: state.dataKey, reseal }];
    });
  }

  private async users(after: string, limit: number): Promise<Kept[]> {
    const { aggregates, snapshots, keyring } = this.parts;
    const decide = resealPasswordHash(({ name, passwordHash }) =>
      keyring.resealedOwn(passwordHash, passwordContext(name)),
    );
    const found = await snapshots.page(user, INSTALLATION, after, limit);
    return found.flatMap(({ id, state }) => {
      if (state.phase === "none") return [];
      const reseal = async (decidedBy: string) =>
        (await aggregates.transact(user, userNamed(id), decide, decidedBy)).appended;
      return [{ id, box: state.passwordHash, reseal }];
    });
  }
}

/** @param last of a page behind which there may be more */
function nextOf(kind: Kind, last: Kept | undefined): string {
  if (last !== undefined) return `${kind}/${last.id}`;
  const further = KINDS[KINDS.indexOf(kind) + 1];
  return further === undefined ? "" : `${further}/`;
}
