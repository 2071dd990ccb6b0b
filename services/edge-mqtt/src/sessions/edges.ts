import { MQTT_BEATS, mqttEdgeSubject } from "@fieldlog/contracts";
import type { Logger } from "@fieldlog/runtime";
import { type NatsConnection, nuid, type Subscription } from "@nats-io/transport-node";
import type { SessionKey } from "./store.js";

/** A client that connects, and when and where: what decides between two that do so at once. */
export interface Claim extends SessionKey {
  readonly principal: string;
  readonly edge: string;
  /** ms since 1970 UTC, by that edge's clock. */
  readonly at: number;
}

/**
 * What an edge says to a claim:
 * - `yours`: its client is not, or no longer, connected here
 * - `mine`: it connected here at the same time, and stays
 * - `refused`: it is connected here, and belongs to another principal
 */
export type ClaimAnswer = "yours" | "mine" | "refused";

export interface EdgesOptions {
  readonly connection: NatsConnection;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  readonly onClaim: (claim: Claim) => Promise<ClaimAnswer>;
  /** Told that another edge is not alive any more. */
  readonly onGone: () => void;
}

const BEAT_MS = 2_000;
/** Milliseconds without a beat after which an edge is taken for dead. */
const SILENT_MS = 6_500;
const ANSWER_MS = 1_000;
/** Milliseconds that the others have to make themselves known at the start. */
const GREETING_MS = 100;

interface Beat {
  readonly edge: string;
  readonly leaving?: boolean;
}

/** The replicas of the MQTT edge, as one of them sees them. */
export class Edges {
  /** Of this edge, in this life. */
  readonly id = nuid.next();
  private readonly beats = new Map<string, number>();
  private readonly subscriptions: Subscription[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** Since when this edge hears beats, its own at least. */
  private hearingSince = Number.POSITIVE_INFINITY;

  constructor(private readonly options: EdgesOptions) {}

  async start(): Promise<void> {
    const { connection } = this.options;
    this.subscriptions.push(
      connection.subscribe(MQTT_BEATS, { callback: (_, message) => this.hear(message.json<Beat>()) }),
      connection.subscribe(mqttEdgeSubject(this.id), {
        callback: (_, message) => void this.answer(message.json<Claim>(), (text) => message.respond(text)),
      }),
    );
    await connection.flush();
    this.beat();
    this.timer = setInterval(() => this.beat(), BEAT_MS).unref();
    await new Promise((resolve) => setTimeout(resolve, GREETING_MS));
  }

  stop(): void {
    clearInterval(this.timer);
    this.tell({ edge: this.id, leaving: true });
    for (const subscription of this.subscriptions) subscription.unsubscribe();
  }

  /** Whether what is said by {@link isAlive} can be relied on: beats would have been heard by now. */
  get certain(): boolean {
    return performance.now() - this.hearingSince > SILENT_MS;
  }

  isAlive(edge: string): boolean {
    const heard = this.beats.get(edge);
    return heard !== undefined && performance.now() - heard <= SILENT_MS;
  }

  /** Whether this is the edge that does what only one needs to do. */
  get isFirst(): boolean {
    return [...this.beats.keys()].every((edge) => edge >= this.id);
  }

  get count(): number {
    return this.beats.size;
  }

  /** Asks one edge; undefined: it does not answer within about a second. */
  async ask(edge: string, claim: Claim): Promise<ClaimAnswer | undefined> {
    try {
      const subject = mqttEdgeSubject(edge);
      const answer = await this.options.connection.request(subject, JSON.stringify(claim), {
        timeout: ANSWER_MS,
      });
      return answer.string() as ClaimAnswer;
    } catch {
      return undefined;
    }
  }

  /** Asks all other edges that are alive. */
  async askAll(claim: Claim): Promise<ClaimAnswer[]> {
    const others = [...this.beats.keys()].filter((edge) => edge !== this.id);
    const answers = await Promise.all(others.map((edge) => this.ask(edge, claim)));
    return answers.filter((answer) => answer !== undefined);
  }

  private async answer(claim: Claim, respond: (text: string) => void): Promise<void> {
    try {
      respond(await this.options.onClaim(claim));
    } catch (err) {
      this.options.logger.error({ err }, "a claim could not be answered");
    }
  }

  private hear({ edge, leaving }: Beat): void {
    const now = performance.now();
    if (leaving) {
      if (this.beats.delete(edge)) this.options.onGone();
      return;
    }
    const before = this.beats.get(edge);
    this.beats.set(edge, now);
    if (edge === this.id) {
      // Beats were not heard for a while: what others said meanwhile is not known.
      if (before === undefined || now - before > 2 * BEAT_MS) this.hearingSince = now;
    } else if (before === undefined) {
      this.options.logger.info({ edge }, "another replica is there");
      this.tell({ edge: this.id });
    }
  }

  private beat(): void {
    this.tell({ edge: this.id });
    if (!this.certain) return;
    let gone = false;
    for (const edge of this.beats.keys()) {
      if (edge === this.id || this.isAlive(edge)) continue;
      this.beats.delete(edge);
      this.options.logger.warn({ edge }, "another replica is gone");
      gone = true;
    }
    if (gone) this.options.onGone();
  }

  private tell(beat: Beat): void {
    try {
      this.options.connection.publish(MQTT_BEATS, JSON.stringify(beat));
    } catch {
      // The connection is closed: nobody hears it.
    }
  }
}

/** Which of two that connect at once goes before: the same on every edge. */
export function isLater(one: Pick<Claim, "at" | "edge">, other: Pick<Claim, "at" | "edge">): boolean {
  return one.at === other.at ? one.edge > other.edge : one.at > other.at;
}
