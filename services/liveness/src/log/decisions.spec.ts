import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type AggregateId, registry, registrySubject } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { decidedIn } from "./decisions.js";

type Event = Exclude<MessageInitShape<typeof registry.RegistryEventSchema>, registry.RegistryEvent>["event"];

function decided(id: AggregateId, ...events: Event[]) {
  const all = events.map((event) =>
    create(registry.RegistryEventSchema, event === undefined ? {} : { event }),
  );
  const decision = create(registry.DecisionSchema, { events: all });
  return decidedIn({ subject: registrySubject(id), data: toBinary(registry.DecisionSchema, decision) });
}
const device = { namespace: "n", kind: "device", id: "d" } as const;
const registered = (mobility?: string): Event => {
  const metadata = mobility === undefined ? {} : { mobility };
  return { case: "deviceRegistered", value: { dialect: "csn", metadata } };
};
const moved: Event = { case: "deviceMetadataChanged", value: { metadata: { latitude: 1, name: "roof" } } };
const removed: Event = { case: "deviceRemoved", value: {} };

describe("a decision", () => {
  it("on a device is one change, of what is said and nothing else", () => {
    const of = (...events: Event[]) => decided(device, ...events);
    expect(of(registered("phone"), moved)).toMatchObject({
      change: { before: "registered", traits: { dialect: "csn", mobile: true, latitude: 1 } },
    });
    expect(of(moved)).toEqual({
      ...{ kind: "device", namespace: "n", device: "d" },
      change: { before: "kept", traits: { latitude: 1 } },
    });
    expect(of(moved, removed)).toMatchObject({ change: { before: "removed", traits: {} } });
    expect(of(removed, registered())).toMatchObject({ change: { before: "registered" } });
  });

  it("on a namespace tells its id and when its devices are inactive; on others it says nothing", () => {
    const namespace = { namespace: "_", kind: "namespace", id: "name" } as const;
    const settings: Event = { case: "namespaceSettingsChanged", value: { liveness: { inactiveAfterS: 9 } } };
    const changes = [
      { id: "i" },
      { settings: { heartbeatS: undefined, inactiveAfterS: 9 } },
      { settings: { heartbeatS: undefined, inactiveAfterS: undefined } },
    ];
    const unset: Event = { case: "namespaceSettingsChanged", value: {} };
    const created: Event = { case: "namespaceCreated", value: { id: "i" } };
    expect(decided(namespace, created, settings, unset)).toEqual({
      kind: "namespace",
      name: "name",
      changes,
    });
    expect(decided({ namespace: "n", kind: "credential", id: "d" }, removed)).toBeUndefined();
  });
});
