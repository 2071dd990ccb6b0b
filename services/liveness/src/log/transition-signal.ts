import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import type { Transition } from "../core/machine.js";
import { ACTIVE, INACTIVE } from "../core/slots.js";

export const ISSUER = "liveness";

/** The names of the events; libs/events lets nobody publish others of these names. */
export const NAMES = { [ACTIVE]: "DeviceBecameActive", [INACTIVE]: "DeviceBecameInactive" } as const;

const IDENTITY = /^liveness\/(?:active|inactive)\/(\d{1,16})$/;

/** The position that a transition's identity names; undefined: it is none. */
export function positionIn(identity: string): number | undefined {
  const [, position] = IDENTITY.exec(identity) ?? [];
  return position === undefined ? undefined : Number(position);
}

/** An encoded Signal. The same transition, by whichever replica, has the same identity. `now`: ms since 1970 UTC. */
export function transitionSignal({ device, to, at, reason, sign }: Transition, now: number): Uint8Array {
  const { status } = sign;
  const lastHeartbeatAt = new Date(sign.at).toISOString();
  const data = Buffer.from(JSON.stringify({ lastHeartbeatAt, ...(status === "" ? {} : { status }), reason }));
  const signal = create(signals.SignalSchema, {
    device,
    identity: `liveness/${to === ACTIVE ? "active" : "inactive"}/${sign.position}`,
    digest: createHash("sha256").update(data).digest().subarray(0, 8),
    receivedAt: BigInt(now),
    occurredAt: BigInt(at),
    body: { case: "event", value: { name: NAMES[to], issuer: ISSUER, data } },
  });
  return toBinary(signals.SignalSchema, signal);
}
