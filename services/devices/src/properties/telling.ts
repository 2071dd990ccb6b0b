import type { registry } from "@fieldlog/contracts";
import { type DecisionToTell, eventSignal } from "@fieldlog/telling";

const ISSUER = "devices";

/** What subscribers are told of a change of a device's properties, as encoded signals. `now`: ms since 1970 UTC. */
export function propertiesTold({ id, sequence, decision }: DecisionToTell, now: number): Uint8Array[] {
  const occurredAt = Number(decision.decidedAt);
  return decision.events.flatMap(({ event }, index) => {
    const told = toldOf(event);
    if (told === undefined) return [];
    const identity = `properties/${sequence}/${index}`;
    return [eventSignal({ ...told, device: id.id, identity, issuer: ISSUER, occurredAt, now })];
  });
}

/** The name of the event and its data: the version, and what differs as a merge patch. */
function toldOf(event: registry.RegistryEvent["event"]): { name: string; data: object } | undefined {
  switch (event.case) {
    case "desiredChanged": {
      const { fleetTemplate } = event.value;
      const by = fleetTemplate === "" ? {} : { fleetTemplate };
      return { name: "DesiredChanged", data: { ...changeOf(event.value), ...by } };
    }
    case "reportedChanged": {
      const { desiredVersion } = event.value;
      const taken = desiredVersion === undefined ? {} : { takenVersion: Number(desiredVersion) };
      return { name: "ReportedChanged", data: { ...changeOf(event.value), ...taken } };
    }
    case "tagsChanged":
      return { name: "TagsChanged", data: changeOf(event.value) };
    default:
      return undefined;
  }
}

function changeOf({ version, patchJson }: { version: bigint; patchJson: string }) {
  return { version: Number(version), patch: JSON.parse(patchJson) as unknown };
}
