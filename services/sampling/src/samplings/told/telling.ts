import { limits, type registry } from "@fieldlog/contracts";
import { counter, type Registry as Metrics } from "@fieldlog/runtime";
import type { DecisionToTell } from "@fieldlog/telling";
import { LRUCache } from "lru-cache";
import type { Rows } from "../rows.js";
import { type Facts, stepSignal, toldOf } from "./step-signal.js";

export interface TellingParts {
  readonly rows: Pick<Rows, "sampling">;
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly metrics: Metrics;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Samplings whose facts are remembered. */
const REMEMBERED = 10_000;

/** Every step of every sampling, as an event of the device. */
export class Telling {
  private readonly facts = new LRUCache<string, Facts>({ max: REMEMBERED });
  private readonly steps: { inc(labels: { step: string }): void };

  constructor(private readonly parts: TellingParts) {
    this.steps = counter(parts.metrics, {
      name: "fieldlog_sampling_steps_total",
      help: "Steps of samplings that this replica told subscribers of, by the event's name.",
      labelNames: ["step"],
    });
  }

  /** Encoded signals. Raises SnapshotsUnavailable, and Error while the tables are behind. */
  async signalsOf({ id, sequence, decision }: DecisionToTell): Promise<Uint8Array[]> {
    for (const { event } of decision.events) {
      if (event.case === "samplingRequested") this.facts.set(event.value.sampling, factsOf(event.value));
    }
    const told: Uint8Array[] = [];
    for (const [index, step] of toldOf(decision)) {
      const facts = await this.factsOf(id.namespace, step.sampling, sequence);
      if (facts === undefined) continue;
      const at = { sequence, index, decidedAt: Number(decision.decidedAt), now: this.parts.now() };
      told.push(stepSignal(id.id, step, facts, at));
      this.steps.inc({ step: step.name });
    }
    return told;
  }

  /** undefined: it was cleared. */
  private async factsOf(namespace: string, sampling: string, sequence: number): Promise<Facts | undefined> {
    const known = this.facts.get(sampling);
    if (known !== undefined) return known;
    const { waitFor, rows } = this.parts;
    if (!(await waitFor(sequence, limits.readYourWritesMs))) throw new Error("the tables are behind the log");
    const found = await rows.sampling(namespace, sampling);
    if (found === undefined) return undefined;
    this.facts.set(sampling, found.sampling.asked);
    return found.sampling.asked;
  }
}

function factsOf({ label, sensor, category }: registry.SamplingRequested): Facts {
  return { label, sensor, category };
}
