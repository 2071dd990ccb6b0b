import type { Aggregates, Id } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { UnknownDevice } from "../decisions/refusals.js";
import type { DeviceProperties } from "../properties/device-properties.js";
import { fleetTemplate, noteSteps, type SetTemplate, type Step } from "./fleet-template.js";
import { failedAfter, stepOf } from "./judge.js";
import type { Candidate, FleetRows, FoundTemplate } from "./rows.js";

/** Devices that are looked at in one go, and of which some get a template at once: those still do when it stops. */
const PAGE = 500;
const AT_ONCE = 16;

export interface ApplierParts {
  readonly rows: FleetRows;
  readonly aggregates: Pick<Aggregates, "current" | "transact">;
  readonly properties: Pick<DeviceProperties, "change">;
  /** Whether the tables of templates had reached the sequence of REGISTRY within that time. */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Up to which decision on properties a revision was brought, and judged. */
interface Place {
  readonly revision: number;
  readonly sequence: number;
}

/**
 * Brings templates to devices, and notes what becomes of them there. Looks only at devices whose properties were decided
 * on since its last look, and at those whose time is over; a new one begins with all. Of two that look at once, one
 * notes nothing, and what it brings a second time differs in nothing.
 */
export class Applier {
  private readonly places = new Map<string, Place>();

  constructor(private readonly parts: ApplierParts) {}

  /**
   * One look at one template. Whatever it raises, it is to be done again.
   *
   * @param signal no further device gets it
   */
  async look(found: FoundTemplate, signal: AbortSignal): Promise<void> {
    const { rows, now } = this.parts;
    const newest = await rows.newest(found.namespace);
    let { sequence } = this.placeOf(found);
    const late = await rows.late(found, now(), PAGE);
    const turn = new Turn(this.parts, found);
    if (late.length > 0 && !(await turn.judge(late))) return;
    while (sequence < newest && !signal.aborted) {
      const page = await rows.changed(found, sequence, PAGE);
      if (page.length > 0) {
        const isDone = (await turn.judge(page)) && (await turn.bring(page, signal));
        if (!isDone) return;
      }
      sequence = page.length < PAGE ? Math.max(newest, lastOf(page)) : lastOf(page);
      this.places.set(keyOf(found), { revision: found.template.revision, sequence });
    }
  }

  /** Forgets the places of all others. */
  keep(found: readonly FoundTemplate[]): void {
    const keys = new Set(found.map(keyOf));
    for (const key of this.places.keys()) if (!keys.has(key)) this.places.delete(key);
  }

  private placeOf(found: FoundTemplate): Place {
    const { revision } = found.template;
    const place = this.places.get(keyOf(found));
    return place?.revision === revision ? place : { revision, sequence: 0 };
  }
}

const keyOf = ({ namespace, id }: Id) => `${namespace}\0${id}`;
const lastOf = (page: readonly Candidate[]) => page.at(-1)?.sequence ?? 0;

/** One look's decisions on one template, each of which starts from what the one before left. */
class Turn {
  private noted: number;
  private failed: number | undefined;

  constructor(
    private readonly parts: ApplierParts,
    private readonly found: FoundTemplate,
  ) {
    this.noted = found.template.noted;
  }

  /** Returns false: the tables are behind, nothing is noted. */
  async judge(page: readonly Candidate[]): Promise<boolean> {
    if ((await this.current()) === undefined) return false;
    const now = this.parts.now();
    const steps = page.flatMap(({ device, brought, properties }) => {
      const step = brought && stepOf(brought, properties, now);
      return step ? [{ ...step, device }] : [];
    });
    return await this.note(steps, page);
  }

  /** Returns false: there is more to be done, by the next look. Of one that is stopped: true. */
  async bring(page: readonly Candidate[], signal: AbortSignal): Promise<boolean> {
    const wait = page.filter(({ matches, brought }) => matches && brought === undefined);
    for (let from = 0; from < wait.length; from += AT_ONCE) {
      if (signal.aborted) return false;
      const template = await this.current();
      if (template === undefined) return false;
      if (template.phase !== "going") return true;
      const some = wait.slice(from, from + AT_ONCE);
      const steps = await Promise.all(some.map((candidate) => this.bringTo(candidate)));
      if (!(await this.note(steps, some))) return false;
    }
    return true;
  }

  private async bringTo({ device, properties }: Candidate): Promise<Step> {
    const { namespace, id: name, template } = this.found;
    const { revision, wanted } = template;
    const asked = {
      kind: "desired",
      json: wanted.desiredJson,
      replaces: false,
      expected: undefined,
    } as const;
    const change = { ...asked, template: { name, revision } };
    try {
      const by = `fleet-template:${name}`;
      const { now } = await this.parts.properties.change({ namespace, id: device }, change, by);
      const applied = { state: "applied", version: now.version, dueAt: undefined, error: "" } as const;
      const step = stepOf(applied, properties, this.parts.now());
      return { ...(step ?? applied), device };
    } catch (error) {
      if (error instanceof UnknownDevice) return { device, state: "gone", version: 0, error: "" };
      // Together with what is wanted of it already it is more than may be.
      if (error instanceof InvalidField) return { device, state: "failed", version: 0, error: error.message };
      throw error;
    }
  }

  /** undefined: the tables that it was found in are behind, or it is no more. */
  private async current(): Promise<SetTemplate | undefined> {
    const { state } = await this.parts.aggregates.current(fleetTemplate, this.found);
    if (state.phase === "none" || state.phase === "removed") return undefined;
    return state.revision === this.found.template.revision && state.noted === this.noted ? state : undefined;
  }

  private async note(steps: readonly Step[], page: readonly Candidate[]): Promise<boolean> {
    if (steps.length === 0) return true;
    const { aggregates, rows, waitFor } = this.parts;
    // As of the same decision as the steps: nobody has noted any since.
    this.failed ??= (await rows.counts(this.found)).failed;
    const before = new Map(page.map(({ device, brought }) => [device, brought?.state]));
    const failed = failedAfter(this.failed, steps, (device) => before.get(device));
    const seen = { revision: this.found.template.revision, noted: this.noted };
    const decide = noteSteps(steps, seen, failed);
    const { snapshot, result } = await aggregates.transact(fleetTemplate, this.found, decide, "system");
    if (!result || snapshot.state.phase === "none") return false;
    this.noted = snapshot.state.noted;
    this.failed = failed;
    return await waitFor(snapshot.sequence, limits.readYourWritesMs);
  }
}
