import { positionOf, type signals } from "@fieldlog/contracts";
import { type Commit, decodeBatch } from "@fieldlog/event-log";
import { ACTIVE, INACTIVE, type Sign } from "../core/slots.js";
import { statusOf } from "../core/status.js";
import { ISSUER, NAMES, positionIn } from "./transition-signal.js";

/** What one signal says of its device's liveness. */
export type Fact =
  | { readonly kind: "sign"; readonly device: string; readonly sign: Sign; readonly isHeartbeat: boolean }
  | Told;

/** That it became active or inactive. */
export interface Told {
  readonly kind: "told";
  readonly device: string;
  readonly position: number;
  readonly phase: typeof ACTIVE | typeof INACTIVE;
  /** Position of the sign of life that it is because of. */
  readonly because: number;
  /** ms since 1970 UTC. */
  readonly at: number;
}

/** Of the platform's messages to devices. */
const TO_DEVICES = "configurations/";
/** What sent a signal if not a device. */
const KEY = "key:";
/** Identities of the messages that the MQTT edge publishes for those who are gone. */
export const WILL = "will/";

/** In order; none of a commit that tells what was cleared. Raises what the decoder raises. */
export function factsIn(commit: Pick<Commit, "sequence" | "time" | "data">): Fact[] {
  const stored = commit.time.getTime();
  const facts: Fact[] = [];
  decodeBatch(commit.data).forEach((signal, index) => {
    const fact = factOf(signal, positionOf(commit.sequence, index), stored);
    if (fact !== undefined) facts.push(fact);
  });
  return facts;
}

function factOf(signal: signals.Signal, position: number, stored: number): Fact | undefined {
  const { device, body } = signal;
  if (device === "" || device.startsWith(KEY) || device.includes("\0")) return undefined;
  if (body.case === "event" && body.value.issuer !== "") return told(signal, body.value, position);
  if (!isFromDevice(signal)) return undefined;
  const isHeartbeat = body.case === "heartbeat";
  const status = isHeartbeat ? statusOf(body.value.status) : "";
  // An edge whose clock is ahead would keep its devices alive.
  const at = Math.min(Number(signal.receivedAt), stored);
  return { kind: "sign", device, sign: { at, position, status }, isHeartbeat };
}

function isFromDevice({ identity, publication, body }: signals.Signal): boolean {
  if (body.case === "rejection" || body.case === "cleared") return false;
  if (identity.startsWith(WILL)) return false;
  return !(publication !== undefined && body.case === "message" && publication.topic.startsWith(TO_DEVICES));
}

function told(signal: signals.Signal, { issuer, name }: signals.Event, position: number): Told | undefined {
  if (issuer !== ISSUER) return undefined;
  const because = positionIn(signal.identity);
  const phase = name === NAMES[ACTIVE] ? ACTIVE : name === NAMES[INACTIVE] ? INACTIVE : undefined;
  if (phase === undefined || because === undefined) return undefined;
  return { kind: "told", device: signal.device, position, phase, because, at: Number(signal.occurredAt) };
}
