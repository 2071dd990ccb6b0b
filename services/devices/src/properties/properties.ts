import type { registry } from "@fieldlog/contracts";
import {
  type Decider,
  type DecisionPoint,
  InvalidField,
  type Outcome,
  type RegistryEvent,
} from "@fieldlog/decider";
import { checkSize, difference, type JsonObject, merged, type PropertyKind, propertiesIn } from "./json.js";

// Ids: the device's id.

// Events: DesiredChanged, ReportedChanged, TagsChanged. Their names and fields are the storage format of the permanent
// log. Each holds what differs; nothing is said that was so before.

// State

/** One of the three, and its version: 1, as long as nobody has changed it. */
export interface Versioned {
  readonly value: JsonObject;
  readonly version: number;
  /** ms since 1970 UTC. */
  readonly changedAt?: number;
}

export interface Properties {
  readonly desired: Versioned;
  readonly reported: Versioned;
  readonly tags: Versioned;
  /** Version of `desired` that the device says it has taken. */
  readonly taken?: number;
}

const NEVER: Versioned = { value: {}, version: 1 };

export const properties: Decider<Properties> = {
  kind: "properties",
  initial: { desired: NEVER, reported: NEVER, tags: NEVER },
  evolve: (state, { event }, at) => {
    switch (event.case) {
      case "desiredChanged":
        return { ...state, desired: changed(state.desired, event.value, at) };
      case "reportedChanged": {
        const { desiredVersion } = event.value;
        const taken = Math.max(state.taken ?? 0, Number(desiredVersion ?? 0));
        return {
          ...state,
          reported: changed(state.reported, event.value, at),
          ...(taken === 0 ? {} : { taken }),
        };
      }
      case "tagsChanged":
        return { ...state, tags: changed(state.tags, { ...event.value, replaces: false }, at) };
      default:
        return state;
    }
  },
};

function changed(
  before: Versioned,
  { version, patchJson, replaces }: Pick<registry.DesiredChanged, "version" | "patchJson" | "replaces">,
  { decidedAt }: DecisionPoint,
): Versioned {
  const value = merged(replaces ? {} : before.value, JSON.parse(patchJson) as JsonObject);
  const isNew = Number(version) !== before.version;
  return { value, version: Number(version), ...(isNew ? { changedAt: decidedAt } : changedAtOf(before)) };
}

function changedAtOf({ changedAt }: Versioned): { changedAt?: number } {
  return changedAt === undefined ? {} : { changedAt };
}

// Decisions

/** It is based on another version than there is. */
export class StaleVersion extends Error {
  override readonly name = "StaleVersion";
  constructor(
    readonly kind: PropertyKind,
    readonly version: number,
  ) {
    super(`version ${version} of the ${kind} properties is there, which the change is not based on`);
  }
}

export interface Change {
  readonly kind: PropertyKind;
  /** JSON merge patch, or all there is to be. */
  readonly json: string;
  readonly replaces: boolean;
  /** That it is based on; undefined: any. */
  readonly expected: number | undefined;
  /** Of "reported": the version of the desired ones that the device has taken. */
  readonly taken?: number | undefined;
  /** Of "desired": the fleet template that wants it. */
  readonly template?: { readonly name: string; readonly revision: number };
}

/**
 * The result is what differs, as a merge patch; undefined: nothing does, and nothing is decided. Refuses InvalidField,
 * StaleVersion.
 */
export function change(asked: Change): (state: Properties) => Outcome<JsonObject | undefined> {
  const { kind, expected, replaces } = asked;
  const given = propertiesIn(asked.json, kind, "patch_json");
  return (state) => {
    const before = state[kind];
    if (expected !== undefined && expected !== before.version) throw new StaleVersion(kind, before.version);
    const after = merged(replaces ? {} : before.value, given);
    checkSize(after, "patch_json");
    const patch = difference(before.value, after);
    const taken = newlyTaken(state, asked);
    if (patch === undefined && taken === undefined) return { events: [], result: undefined };
    const version = BigInt(before.version + (patch === undefined ? 0 : 1));
    const said = { version, patchJson: JSON.stringify(patch ?? {}) };
    return { events: [{ event: eventOf(asked, said, taken) }], result: patch };
  };
}

/** undefined: it says none, or none that is newer. */
function newlyTaken({ desired, taken }: Properties, asked: Change): number | undefined {
  if (asked.taken === undefined) return undefined;
  if (asked.taken > desired.version) throw new InvalidField("taken_version", "is none that was wanted yet");
  return asked.taken > (taken ?? 0) ? asked.taken : undefined;
}

function eventOf(
  { kind, template }: Change,
  said: { version: bigint; patchJson: string },
  taken: number | undefined,
): NonNullable<RegistryEvent["event"]> {
  if (kind === "tags") return { case: "tagsChanged", value: said };
  if (kind === "reported") {
    return {
      case: "reportedChanged",
      value: { ...said, ...(taken === undefined ? {} : { desiredVersion: BigInt(taken) }) },
    };
  }
  const by = template && { fleetTemplate: template.name, templateRevision: template.revision };
  return { case: "desiredChanged", value: { ...said, ...by } };
}
