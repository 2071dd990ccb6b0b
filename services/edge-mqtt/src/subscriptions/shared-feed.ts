import { createHash } from "node:crypto";
import { limits, signalsStream, signalsSubject } from "@fieldlog/contracts";
import type { EventLog, Group, Handout } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { PublishedKind } from "./published.js";
import type { PublishedCommit } from "./published-commit.js";
import type { Skimmed } from "./skim.js";
import type { Subscription } from "./subscription.js";
import { matchesFilter } from "./topic-filter.js";

/** What a member owes for a message that it was given. */
export interface Ticket {
  /** The client has acknowledged it, or nobody else may get it any more. */
  done(): void;
  /** The member is leaving: another is to get it. */
  back(): void;
}

/** A session that has the shared subscription, and whose client is connected. */
export interface Member {
  hasRoom(): boolean;
  take(commit: PublishedCommit, message: Skimmed, subscription: Subscription, ticket: Ticket): void;
}

/** What all members of a group subscribe to. */
export interface SharedName {
  readonly namespace: string;
  readonly share: string;
  readonly filter: string;
  /** The principal whose group it is alone; absent: the namespace's. */
  readonly owner?: string | undefined;
}

/** Consumers of shared subscriptions begin so. */
export const GROUP_PREFIX = "mqtt-";

/** Commits asked for at once, and held without being done with. */
const PULL = 8;
const MAX_OPEN = 128;
/** Commits given back of which is remembered what was done with already. */
const MAX_PARTIAL = 1_024;
/** Seconds that a group keeps its place at most without members: as long as a session may live, and a day. */
const INACTIVE_S = limits.mqttSessionS + 86_400;

interface Waiting {
  readonly commit: PublishedCommit;
  readonly message: Skimmed;
}

interface Open {
  readonly handout: Handout;
  left: number;
}

/** Name of the consumer, which keeps the group's place. */
export function groupName({ namespace, share, filter, owner }: SharedName): string {
  const name = [namespace, share, filter, ...(owner === undefined ? [] : [owner])];
  const digest = createHash("sha256").update(JSON.stringify(name));
  return GROUP_PREFIX + digest.digest("base64url").slice(0, 32);
}

/** Makes the group's place, after the sequence, if there is none yet. Raises LogUnavailable. */
export function openGroup(log: Pick<EventLog, "group">, name: SharedName, after: number): Promise<Group> {
  const { namespace } = name;
  return log.group({
    ...{ stream: signalsStream(namespace), subject: signalsSubject(namespace), name: groupName(name) },
    ...{ after, inactiveS: INACTIVE_S },
  });
}

/** Gives the messages of one shared subscription to this edge's members in turn [MQTT-4.8.2]. */
export class SharedFeed {
  private readonly members = new Map<Member, Subscription>();
  private turn: Member[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly open = new Map<number, Open>();
  private readonly partial = new Map<number, Set<number>>();
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  private roomy: (() => void) | undefined;

  constructor(
    group: Group,
    private readonly name: SharedName,
    private readonly kind: Pick<PublishedKind, "read">,
    private readonly logger: Pick<Logger, "warn" | "error">,
  ) {
    this.running = group.follow({
      room: () => this.room(),
      take: (handout) => this.take(handout),
      signal: this.stopping.signal,
      onInterruption: (err) => logger.warn({ err, ...name }, "a shared subscription was interrupted"),
    });
  }

  get size(): number {
    return this.members.size;
  }

  join(member: Member, subscription: Subscription): void {
    this.members.set(member, subscription);
    this.poke();
  }

  leave(member: Member): void {
    this.members.delete(member);
    this.turn = this.turn.filter((each) => each !== member);
  }

  /** A member may have room again. */
  poke(): void {
    this.assign();
    if (this.waiting.length === 0 && this.open.size < MAX_OPEN && this.pick() !== undefined) this.roomy?.();
  }

  /** Gives back what is not done with. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.roomy?.();
    await this.running;
  }

  private async room(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.roomy = resolve;
      this.poke();
      if (this.stopping.signal.aborted) resolve();
    });
    this.roomy = undefined;
    return PULL;
  }

  private take(handout: Handout): void {
    const { sequence, data } = handout;
    const commit = this.kind.read(this.name.namespace, sequence, Buffer.from(data), (err) =>
      this.logger.error({ err, sequence }, "passed over a commit that cannot be read"),
    );
    const done = this.partial.get(sequence);
    const matching = commit.messages.filter(
      ({ topic, position }) => matchesFilter(this.name.filter, topic) && !done?.has(position),
    );
    // Handed out again though it is here still: what waits or is under way counts for the new handout.
    const again = this.open.get(sequence);
    if (again !== undefined) {
      this.open.set(sequence, { handout, left: again.left });
      return;
    }
    if (matching.length === 0) {
      handout.ack();
      return;
    }
    this.open.set(sequence, { handout, left: matching.length });
    for (const message of matching) this.waiting.push({ commit, message });
    this.assign();
  }

  private assign(): void {
    while (this.waiting.length > 0) {
      const member = this.pick();
      const subscription = member && this.members.get(member);
      if (member === undefined || subscription === undefined) return;
      const { commit, message } = this.waiting.shift() as Waiting;
      this.turn.push(this.turn.shift() as Member);
      member.take(commit, message, subscription, this.ticket(commit, message));
    }
  }

  /** The next in turn that has room; it is then the first of the turn. */
  private pick(): Member | undefined {
    if (this.turn.length !== this.members.size) this.turn = [...this.members.keys()];
    const at = this.turn.findIndex((member) => member.hasRoom());
    if (at < 0) return undefined;
    if (at > 0) this.turn.push(...this.turn.splice(0, at));
    return this.turn[0];
  }

  private ticket(commit: PublishedCommit, message: Skimmed): Ticket {
    let settled = false;
    const once = (how: () => void) => () => {
      if (settled) return;
      settled = true;
      how();
    };
    return {
      done: once(() => this.done(commit.sequence, message.position)),
      back: once(() => {
        if (this.stopping.signal.aborted) return;
        this.waiting.unshift({ commit, message });
        this.assign();
      }),
    };
  }

  private done(sequence: number, position: number): void {
    const open = this.open.get(sequence);
    if (open === undefined) return;
    open.left--;
    if (open.left === 0) {
      this.open.delete(sequence);
      this.partial.delete(sequence);
      open.handout.ack();
      this.poke();
      return;
    }
    // If the commit is handed out again, to this edge, only the rest of it is given on.
    const done = this.partial.get(sequence) ?? new Set();
    this.partial.set(sequence, done.add(position));
    if (this.partial.size > MAX_PARTIAL) {
      for (const oldest of this.partial.keys()) {
        this.partial.delete(oldest);
        break;
      }
    }
  }
}
