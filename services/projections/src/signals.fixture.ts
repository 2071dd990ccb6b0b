import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { RECEIVED } from "@fieldlog/testkit";

type SignalInit = Exclude<MessageInitShape<typeof signals.SignalSchema>, signals.Signal>;
type Publication = MessageInitShape<typeof signals.PublicationSchema>;

function signal(device: string, more: SignalInit): signals.Signal {
  const common = { device, receivedAt: BigInt(RECEIVED), occurredAt: BigInt(RECEIVED) };
  return create(signals.SignalSchema, { ...common, ...more });
}

export interface Element {
  readonly at: number;
  readonly revision?: number;
  readonly values: Readonly<Record<string, number>>;
}

export function measurements(device: string, elements: readonly Element[], more: SignalInit = {}) {
  const all = elements.map(({ at, revision, values }) => ({
    ...{ occurredAt: at, attributes: Object.keys(values), values: Object.values(values) },
    ...(revision === undefined ? {} : { revision }),
  }));
  return signal(device, { ...more, body: { case: "measurements", value: { measurements: all } } });
}

export function logEntries(
  device: string,
  entries: MessageInitShape<typeof signals.LogEntrySchema>[],
  more: SignalInit = {},
) {
  return signal(device, { ...more, body: { case: "logEntries", value: { entries } } });
}

export function rejection(device: string, topic: string, reason: string, count = 1) {
  return signal(device, { body: { case: "rejection", value: { topic, reason, count } } });
}

/** What liveness says of a device; another issuer says nothing by it. */
export function becomes(device: string, state: "Active" | "Inactive", identity: string, issuer = "liveness") {
  const value = { name: `DeviceBecame${state}`, issuer };
  return signal(device, { identity, body: { case: "event", value } });
}

export function message(
  device: string,
  topic: string,
  payload: string,
  publication: Publication = {},
  more: SignalInit = {},
) {
  const body = { case: "message" as const, value: { payload: Buffer.from(payload) } };
  return signal(device, { ...more, publication: { topic, ...publication }, body });
}
