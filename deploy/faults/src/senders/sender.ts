import { setTimeout as sleep } from "node:timers/promises";
import type { Finding } from "../checks/finding.js";
import type { Ledger } from "../ledger/ledger.js";
import { between, type Chance } from "../schedule/chance.js";

/** Devices of one dialect that say one thing after the other, each until it is acknowledged. */
export interface Sender {
  readonly dialect: string;
  readonly ledgers: readonly Ledger[];
  /** Whether what it says stands in the log as it said it. */
  readonly isLogged: boolean;
  /** The tables in which it is found again. */
  readonly tables: readonly string[];
  /** Whether subscribers of events get it. */
  readonly isEvents: boolean;
  /** Its devices as they are registered, whose liveness is told. */
  readonly devices: readonly string[];
  /** ms by which its devices' clocks are ahead. */
  setClock(aheadMs: number): void;
  start(): void;
  /** Resolves when what is under way is acknowledged, or given up. */
  stop(): Promise<void>;
  /** Whether what it sent is found where only its dialect keeps it; asked again while there are findings. */
  readonly check?: () => Promise<Finding[]>;
  /** Ends what has to stay until all is checked. */
  readonly close?: () => void;
}

/** What came of one attempt. "again": no answer, or one that says to try again; "given up": it cannot be repeated. */
export type Outcome = "acknowledged" | "again" | "given up" | { readonly refused: string };

/** ms after which a sender that is to stop gives up what is not acknowledged. */
const PATIENCE_MS = 120_000;

/** The rhythm of one device's messages over HTTP: one at a time, so that its order is known. */
export class Talk {
  aheadMs = 0;
  private readonly stopping = new AbortController();
  private deadline = Number.POSITIVE_INFINITY;
  private talking: Promise<void> = Promise.resolve();

  /**
   * @param say makes the nth message: its digest, and what sends it, the very same each time
   * @param paceMs between two messages, on average
   * @param restMs how long it says nothing after the nth, besides
   */
  constructor(
    readonly ledger: Ledger,
    private readonly chance: Chance,
    private readonly paceMs: number,
    private readonly say: (n: number) => { digest: string; attempt: () => Promise<Outcome> },
    private readonly restMs: (n: number) => number = () => 0,
  ) {}

  start(): void {
    this.talking = this.talk().catch(
      (error: Error) => void this.ledger.wrong.push(`it fell silent: ${error.message}`),
    );
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.deadline = Date.now() + PATIENCE_MS;
    await this.talking;
  }

  private async talk(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const n = this.ledger.next;
      await this.deliver(n);
      const pauseMs = between(this.chance, 0.5, 1.5) * this.paceMs + this.restMs(n);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async deliver(n: number): Promise<void> {
    const { digest, attempt } = this.say(n);
    while (Date.now() < this.deadline) {
      this.ledger.sending(n, digest);
      const outcome = await attempt().catch((error: Error): Outcome => ({ refused: error.message }));
      if (outcome === "acknowledged") return this.ledger.acknowledge(n);
      if (outcome === "given up") return;
      if (outcome !== "again") {
        this.ledger.wrong.push(`number ${n}: ${outcome.refused}`);
        return;
      }
      await sleep(between(this.chance, 50, 300));
    }
  }
}

/** A request that must be answered with success; 429 and 5xx but 500 say to try again. */
export async function attemptOf(
  request: () => Promise<Response>,
  isRight: (response: Response, body: Buffer) => boolean = () => true,
): Promise<Outcome> {
  let response: Response;
  let body: Buffer;
  try {
    response = await request();
    body = Buffer.from(await response.arrayBuffer());
  } catch {
    return "again";
  }
  const { status } = response;
  if (response.ok && isRight(response, body)) return "acknowledged";
  if (status === 429 || status > 500) return "again";
  return { refused: `HTTP ${status} ${body.toString().slice(0, 200)}` };
}

/** ms for one request. */
export const REQUEST_MS = 20_000;
