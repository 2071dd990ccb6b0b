import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type AggregateId, CLEARING, registry, registrySubject } from "@fieldlog/contracts";
import { expect, it } from "vitest";
import { erasedBy } from "./erased.js";

type Event = MessageInitShape<typeof registry.RegistryEventSchema>["event"];

const of = (id: AggregateId, ...events: NonNullable<Event>[]) => ({
  subject: registrySubject(id),
  data: toBinary(
    registry.DecisionSchema,
    create(registry.DecisionSchema, { events: events.map((event) => ({ event })) }),
  ),
});
const device: AggregateId = { namespace: "n", kind: "device", id: "d" };

it("a device's erasing is one, and nothing else that is decided on a device", () => {
  expect(erasedBy(of(device, { case: "deviceErased", value: {} }))).toEqual({ namespace: "n", device: "d" });
  expect(erasedBy(of(device, { case: "deviceMetadataChanged", value: {} }))).toBeUndefined();
  const upload: AggregateId = { ...device, kind: "upload" };
  expect(erasedBy(of(upload, { case: "deviceErased", value: {} }))).toBeUndefined();
});

it("a clearing is one, of the namespace or of one device of it, and its second decision is none again", () => {
  const clearing = (value: MessageInitShape<typeof registry.NamespaceClearedSchema>) =>
    erasedBy(of(CLEARING, { case: "namespaceCleared", value }));
  expect(clearing({ namespace: "n" })).toEqual({ namespace: "n" });
  expect(clearing({ namespace: "n", device: "d" })).toEqual({ namespace: "n", device: "d" });
  expect(clearing({ namespace: "n", registryBefore: 7n })).toBeUndefined();
});
