import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";

/** An event that the platform issues. Times are ms since 1970 UTC. */
export interface ToldEvent {
  readonly device: string;
  /** The same for the same event, whoever tells it and however often. */
  readonly identity: string;
  /** libs/events lets nobody publish others of these names. */
  readonly name: string;
  /** Part of the platform that says so. */
  readonly issuer: string;
  readonly data: object;
  readonly occurredAt: number;
  readonly now: number;
}

/** An encoded Signal. */
export function eventSignal({
  device,
  identity,
  name,
  issuer,
  occurredAt,
  now,
  ...said
}: ToldEvent): Uint8Array {
  const data = Buffer.from(JSON.stringify(said.data));
  const signal = create(signals.SignalSchema, {
    ...{ device, identity, receivedAt: BigInt(now), occurredAt: BigInt(occurredAt) },
    digest: createHash("sha256").update(data).digest().subarray(0, 8),
    body: { case: "event", value: { name, issuer, data } },
  });
  return toBinary(signals.SignalSchema, signal);
}
