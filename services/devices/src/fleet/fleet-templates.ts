import type { Aggregates, Id } from "@fieldlog/aggregates";
import { limits, REGISTRY, type registry } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import type { EventLog } from "@fieldlog/event-log";
import { checkSize, type JsonObject, propertiesIn } from "../properties/json.js";
import { conditionsIn } from "./conditions.js";
import { fleetTemplate, removeTemplate, setTemplate, stopTemplate, type Wanted } from "./fleet-template.js";
import { TooManyFleetTemplates, UnknownFleetTemplate } from "./refusals.js";
import {
  type Counts,
  DEVICE_STATES,
  type DevicesAsked,
  type FleetRows,
  type FoundDevice,
  type FoundTemplate,
} from "./rows.js";

export interface FleetTemplatesParts {
  readonly aggregates: Pick<Aggregates, "current" | "transact">;
  readonly rows: FleetRows;
  readonly log: Pick<EventLog, "lastSequence">;
  /** Whether the tables of templates, and those of properties, had reached the sequence of REGISTRY within that time. */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
}

export interface CountedTemplate extends FoundTemplate {
  readonly counts: Counts;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** Devices of a template that are shown, and characters of the reason why it is stopped. */
const SHOWN = 1_000;
const REASON_LENGTH = 500;

/**
 * Desired properties of all devices that have some tags and report some values. Raises UnknownFleetTemplate,
 * TooManyFleetTemplates, InvalidField, and what Aggregates raises.
 */
export class FleetTemplates {
  constructor(private readonly parts: FleetTemplatesParts) {}

  async set(
    id: Id,
    asked: registry.FleetTemplateSet | undefined,
    decidedBy: string,
  ): Promise<{ revision: number; sequence: number }> {
    if (!NAME.test(id.id)) throw new InvalidField("name", 'is 1 to 64 letters, digits, "-" and "_"');
    const decide = setTemplate(wantedOf(asked));
    const { aggregates } = this.parts;
    const { state } = await aggregates.current(fleetTemplate, id);
    if (state.phase === "none" || state.phase === "removed") await this.checkRoom(id.namespace);
    const { snapshot, result } = await aggregates.transact(fleetTemplate, id, decide, decidedBy);
    return { revision: result, sequence: snapshot.sequence };
  }

  /** By name. @param atLeast sequence of REGISTRY that is in it */
  async list(namespace: string, atLeast: number): Promise<CountedTemplate[]> {
    await this.parts.waitFor(atLeast, limits.readYourWritesMs);
    const found = await this.parts.rows.templates(namespace);
    const all: CountedTemplate[] = [];
    for (const one of found) all.push(await this.counted(one));
    return all;
  }

  async get(id: Id, atLeast: number): Promise<{ found: CountedTemplate; devices: FoundDevice[] }> {
    const found = await this.found(id, atLeast);
    return { found: await this.counted(found), devices: await this.parts.rows.devices(found, SHOWN) };
  }

  /** By id. The id of the last if there may be more. */
  async devices(
    id: Id,
    { atLeast, ...asked }: DevicesAsked & { readonly atLeast: number },
  ): Promise<{ devices: FoundDevice[]; next: string }> {
    if (asked.limit < 1 || asked.limit > limits.pageRows) {
      throw new InvalidField("limit", `must be 1 to ${limits.pageRows}`);
    }
    if (asked.state !== "" && !DEVICE_STATES.some((known) => known === asked.state)) {
      throw new InvalidField("state", `must be one of ${DEVICE_STATES.join(", ")}`);
    }
    const devices = await this.parts.rows.page(await this.found(id, atLeast), asked);
    return { devices, next: devices.length === asked.limit ? (devices.at(-1)?.device ?? "") : "" };
  }

  /** Returns the sequence of the newest decision. */
  async stop(id: Id, reason: string, decidedBy: string): Promise<number> {
    if (reason.length > REASON_LENGTH || !reason.isWellFormed() || reason.includes("\u0000")) {
      throw new InvalidField("reason", `is a text of at most ${REASON_LENGTH} characters`);
    }
    const decide = stopTemplate(reason);
    const { snapshot } = await this.parts.aggregates.transact(fleetTemplate, id, decide, decidedBy);
    return snapshot.sequence;
  }

  async remove(id: Id, decidedBy: string): Promise<number> {
    const { snapshot } = await this.parts.aggregates.transact(fleetTemplate, id, removeTemplate, decidedBy);
    return snapshot.sequence;
  }

  private async found({ namespace, id }: Id, atLeast: number): Promise<FoundTemplate> {
    await this.parts.waitFor(atLeast, limits.readYourWritesMs);
    const snapshot = await this.parts.rows.load(fleetTemplate, { namespace, id });
    const template = snapshot?.state;
    if (template === undefined || template.phase === "none" || template.phase === "removed") {
      throw new UnknownFleetTemplate();
    }
    return { namespace, id, template };
  }

  private async counted(found: FoundTemplate): Promise<CountedTemplate> {
    return { ...found, counts: await this.parts.rows.counts(found) };
  }

  private async checkRoom(namespace: string): Promise<void> {
    const { log, rows, waitFor } = this.parts;
    await waitFor(await log.lastSequence(REGISTRY), limits.readYourWritesMs);
    const { length } = await rows.templates(namespace);
    if (length >= limits.fleetTemplates) throw new TooManyFleetTemplates(limits.fleetTemplates);
  }
}

/** Raises InvalidField. */
function wantedOf(asked: registry.FleetTemplateSet | undefined): Wanted {
  if (asked === undefined) throw new InvalidField("set", "is missing");
  const tags = propertiesIn(asked.tagsJson, "tags", "set.tags_json");
  const conditions = conditionsIn(asked.reportedJson, "set.reported_json");
  checkTags(tags);
  // Without any, it would be for whoever has properties: nobody means that.
  if (conditions === undefined && Object.keys(tags).length === 0) {
    throw new InvalidField("set.tags_json", "names no tag, and there are no conditions");
  }
  const desired = propertiesIn(asked.desiredJson, "desired", "set.desired_json");
  checkSize(desired, "set.desired_json");
  if (Object.keys(desired).length === 0) throw new InvalidField("set.desired_json", "wants nothing");
  const { stopAfterFailures } = asked;
  if (stopAfterFailures === 0) throw new InvalidField("set.stop_after_failures", "is at least 1");
  const takeWithinS = asked.takeWithinS || limits.fleetTakeWithinS;
  if (takeWithinS > limits.fleetTakeWithinMostS) {
    throw new InvalidField("set.take_within_s", `is at most ${limits.fleetTakeWithinMostS}`);
  }
  return {
    ...{ tagsJson: JSON.stringify(tags), desiredJson: JSON.stringify(desired) },
    ...(conditions === undefined ? {} : { reportedJson: JSON.stringify(conditions) }),
    ...{ stopAfterFailures, takeWithinS },
  };
}

function checkTags(tags: JsonObject): void {
  const values = Object.values(tags);
  if (values.length > limits.tagsPerDevice) {
    throw new InvalidField("set.tags_json", `names more than ${limits.tagsPerDevice} tags`);
  }
  if (values.includes(null)) throw new InvalidField("set.tags_json", "has null, which no tag is");
}
