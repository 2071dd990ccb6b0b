import { create } from "@bufbuild/protobuf";
import { INSTALLATION, limits, registry } from "@fieldlog/contracts";
import { type Decider, InvalidField, type Outcome, type RegistryEvent } from "@fieldlog/decider";
import type { Sealed } from "@fieldlog/sealing";
import { AlreadyExists, NotFound } from "./refusals.js";
import { checkSettings, isSame, SETTINGS, type Settings, settingsMessage, settingsOf } from "./settings.js";

// Ids: a namespace's history is found by its name, so that no two can have the same name.

export function namespaceNamed(name: string) {
  return { namespace: INSTALLATION, id: name };
}

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export function isNamespaceName(text: string): boolean {
  return NAME.test(text) && !UUID.test(text);
}

/** The namespaces that always exist; their ids equal their names. All others have a UUID, which is no name. */
export const PERMANENT_NAMESPACES = ["default", "test"] as const;

export function isAssignedId(text: string): boolean {
  return UUID.test(text);
}

// Events: NamespaceCreated, RetentionChanged, NamespaceSettingsChanged, NamespaceDisabled, NamespaceEnabled,
// DataKeyResealed. Their names and fields are the storage format of the permanent log.

// State

export interface CreatedNamespace {
  readonly phase: "created";
  readonly id: string;
  readonly name: string;
  /** Sealed by the installation's key. */
  readonly dataKey: Sealed;
  /** ms since 1970 UTC. */
  readonly createdAt: number;
  /** Id of the user who made it; empty: no user did. */
  readonly owner: string;
  readonly retention: Retention;
  readonly settings: Settings;
  /** Why everything of its devices is refused; absent: it is not. */
  readonly disabled?: string;
}

/** Days that read models keep what devices reported; absent: for ever. */
export interface Retention {
  readonly measurementDays?: number;
  readonly logDays?: number;
}

/** Of a namespace whose retention nobody has changed. */
const RETENTION: Retention = Object.freeze({ logDays: 56 });

export type Namespace = { readonly phase: "none" } | CreatedNamespace;

export const namespace: Decider<Namespace> = {
  kind: "namespace",
  initial: { phase: "none" },
  evolve: (state, { event }, at) => {
    switch (event.case) {
      case "namespaceCreated": {
        const { id, name, owner, dataKey = create(registry.SealedBoxSchema) } = event.value;
        const { decidedAt: createdAt } = at;
        return {
          phase: "created",
          id,
          name,
          dataKey,
          createdAt,
          owner,
          retention: RETENTION,
          settings: SETTINGS,
        };
      }
      case "namespaceSettingsChanged":
        return state.phase === "created" ? { ...state, settings: settingsOf(event.value) } : state;
      case "retentionChanged":
        return state.phase === "created" ? { ...state, retention: retentionOf(event.value) } : state;
      case "namespaceDisabled":
        return state.phase === "created" ? { ...state, disabled: event.value.reason } : state;
      case "namespaceEnabled":
        return state.phase === "created" ? enabledOf(state) : state;
      case "dataKeyResealed": {
        const { dataKey } = event.value;
        return state.phase === "created" && dataKey !== undefined ? { ...state, dataKey } : state;
      }
      default:
        return state;
    }
  },
};

function enabledOf({ disabled: _, ...state }: CreatedNamespace): CreatedNamespace {
  return state;
}

interface RetentionFields {
  measurementDays?: number | undefined;
  logDays?: number | undefined;
}

/** Only its own fields, and those that are there. */
export function retentionOf({ measurementDays, logDays }: RetentionFields): Retention {
  return {
    ...(measurementDays === undefined ? {} : { measurementDays }),
    ...(logDays === undefined ? {} : { logDays }),
  };
}

// Decisions

export interface NewNamespace {
  readonly id: string;
  readonly name: string;
  readonly dataKey: Sealed;
  /** Id of the user who makes it. Default: nobody owns it. */
  readonly owner?: string;
  /** From the beginning. Default: {@link SETTINGS}. */
  readonly settings?: Settings;
}

/** Of one that exists under that id: nothing. Refuses AlreadyExists, InvalidField. */
export function createNamespace(asked: NewNamespace): (state: Namespace) => Outcome<undefined> {
  return (state) => {
    if (!isNamespaceName(asked.name)) {
      throw new InvalidField("name", "must match [a-z0-9][a-z0-9_-]{0,63} and be no UUID");
    }
    if (state.phase === "created" && state.id !== asked.id) throw new AlreadyExists("namespace", asked.name);
    if (state.phase === "created") return { events: [], result: undefined };
    const { settings = SETTINGS, ...value } = asked;
    const created: RegistryEvent["event"] = { case: "namespaceCreated", value };
    return { events: [{ event: created }, ...changesTo(settings, SETTINGS)], result: undefined };
  };
}

/** @param reseal the data key, sealed by the key that seals now; undefined: nothing is decided. Refuses NotFound. */
export function resealDataKey(reseal: (namespace: CreatedNamespace) => Sealed | undefined) {
  return (state: Namespace): Outcome<undefined> => {
    if (state.phase === "none") throw new NotFound("namespace");
    const dataKey = reseal(state);
    if (dataKey === undefined) return { events: [], result: undefined };
    const event: RegistryEvent["event"] = { case: "dataKeyResealed", value: { dataKey: { ...dataKey } } };
    return { events: [{ event }], result: undefined };
  };
}

const DAYS = { least: 1, most: 36_500 } as const;

/** To what it is already: nothing. Refuses InvalidField, NotFound. */
export function setRetention(asked: Retention): (state: Namespace) => Outcome<undefined> {
  return (state) => {
    for (const [field, days] of [
      ["measurement_days", asked.measurementDays],
      ["log_days", asked.logDays],
    ] as const) {
      if (days === undefined || (days >= DAYS.least && days <= DAYS.most)) continue;
      throw new InvalidField(field, `must be ${DAYS.least} to ${DAYS.most}, or absent: for ever`);
    }
    if (state.phase === "none") throw new NotFound("namespace");
    const { measurementDays, logDays } = state.retention;
    if (measurementDays === asked.measurementDays && logDays === asked.logDays) {
      return { events: [], result: undefined };
    }
    return { events: [{ event: { case: "retentionChanged", value: { ...asked } } }], result: undefined };
  };
}

/** To what they are already: nothing. Refuses InvalidField, NotFound. */
export function setSettings(asked: Settings): (state: Namespace) => Outcome<undefined> {
  return (state) => {
    checkSettings(asked);
    if (state.phase === "none") throw new NotFound("namespace");
    return { events: changesTo(asked, state.settings), result: undefined };
  };
}

function changesTo(asked: Settings, present: Settings): RegistryEvent[] {
  if (isSame(present, asked)) return [];
  return [{ event: { case: "namespaceSettingsChanged", value: settingsMessage(asked) } }];
}

/** To what it is already: nothing. A disabled one may be given another reason. Refuses InvalidField, NotFound. */
export function setEnabled(enabled: boolean, reason: string): (state: Namespace) => Outcome<undefined> {
  return (state) => {
    if (reason.length > limits.textLength || reason.includes("\u0000")) {
      throw new InvalidField("reason", `must be a text of at most ${limits.textLength} characters`);
    }
    if (state.phase === "none") throw new NotFound("namespace");
    if (enabled ? state.disabled === undefined : state.disabled === reason) {
      return { events: [], result: undefined };
    }
    const event: RegistryEvent["event"] = enabled
      ? { case: "namespaceEnabled", value: {} }
      : { case: "namespaceDisabled", value: { reason } };
    return { events: [{ event }], result: undefined };
  };
}
