import { fromBinary } from "@bufbuild/protobuf";
import { aggregateOf, isMobile, registry } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import type { LivenessSettings } from "../core/rules.js";
import type { DeviceTraits } from "../core/slots.js";

/** What a decision says of a device. `before`: what it was before does not matter any more. */
export interface DeviceChange {
  readonly before: "kept" | "registered" | "removed";
  readonly traits: DeviceTraits;
}

export type Decided =
  | {
      readonly kind: "device";
      readonly namespace: string;
      readonly device: string;
      readonly change: DeviceChange;
    }
  | { readonly kind: "namespace"; readonly name: string; readonly changes: readonly NamespaceChange[] };

/** Of a namespace's history, which is kept by its name. */
export type NamespaceChange = { readonly id: string } | { readonly settings: LivenessSettings };

const UNCHANGED: DeviceChange = { before: "kept", traits: {} };

/** What matters here of a decision; undefined: nothing does. Raises what the decoder raises. */
export function decidedIn({ subject, data }: Pick<Commit, "subject" | "data">): Decided | undefined {
  const { namespace, kind, id } = aggregateOf(subject);
  if (kind !== "device" && kind !== "namespace") return undefined;
  const events = fromBinary(registry.DecisionSchema, data).events.map(({ event }) => event);
  if (kind === "namespace") return { kind, name: id, changes: events.flatMap(namespaceChange) };
  return { kind, namespace, device: id, change: events.map(deviceChange).reduce(followedBy, UNCHANGED) };
}

/** One change after another as one. */
export function followedBy(first: DeviceChange, second: DeviceChange): DeviceChange {
  if (second.before !== "kept") return second;
  return { before: first.before, traits: { ...first.traits, ...second.traits } };
}

type Event = registry.RegistryEvent["event"];

function deviceChange(event: Event): DeviceChange {
  switch (event.case) {
    case "deviceRegistered": {
      const { dialect, metadata } = event.value;
      return { before: "registered", traits: { dialect, ...traitsOf(metadata) } };
    }
    case "deviceMetadataChanged":
      return { before: "kept", traits: traitsOf(event.value.metadata) };
    case "deviceRemoved":
    case "deviceErased":
      return { before: "removed", traits: {} };
    default:
      return UNCHANGED;
  }
}

/** Only what is said. */
function traitsOf(metadata: registry.DeviceMetadata | undefined): DeviceTraits {
  const { latitude, longitude, mobility } = metadata ?? {};
  return {
    ...(latitude === undefined ? {} : { latitude }),
    ...(longitude === undefined ? {} : { longitude }),
    ...(mobility === undefined ? {} : { mobile: isMobile(mobility) }),
  };
}

function namespaceChange(event: Event): NamespaceChange[] {
  if (event.case === "namespaceCreated") return [{ id: event.value.id }];
  if (event.case !== "namespaceSettingsChanged") return [];
  const { heartbeatS, inactiveAfterS } = event.value.liveness ?? {};
  return [{ settings: { heartbeatS, inactiveAfterS } }];
}
