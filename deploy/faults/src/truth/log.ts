import { positionOf, SIGNALS, type signals, signalsSubject } from "@fieldlog/contracts";
import { connectLog, decodeBatch } from "@fieldlog/event-log";
import type { Sign, Told } from "../checks/liveness.js";
import { type Fact, type Said, saidBy } from "../ledger/said.js";

/** All that the log has of a namespace. */
export interface LogTruth {
  readonly said: readonly Said[];
  readonly signs: readonly Sign[];
  /** What the platform said of devices' liveness, resends too. */
  readonly told: readonly Told[];
  /** Signals, all of them. */
  readonly signals: number;
  /** When it was read, to its end: ms since 1970 UTC. */
  readonly endedAt: number;
}

/** Reads the log from its beginning to where it ends now. */
export async function readLog(natsUrl: string, namespace: string): Promise<LogTruth> {
  const truth = {
    said: [] as Said[],
    signs: [] as Sign[],
    told: [] as Told[],
    signals: 0,
    endedAt: Date.now(),
  };
  const log = await connectLog({ url: natsUrl, name: "faults", replicas: natsUrl.split(",").length });
  try {
    const until = await log.lastSequence(SIGNALS);
    if (until === 0) return truth;
    for await (const commits of log.read(SIGNALS, { after: 0, until })) {
      for (const { subject, sequence, time, data } of commits) {
        if (subject !== signalsSubject(namespace)) continue;
        decodeBatch(data).forEach((signal, index) => {
          truth.signals++;
          take(truth, signal, positionOf(sequence, index), time.getTime());
        });
      }
    }
    return truth;
  } finally {
    await log.close();
  }
}

function take(
  { said, signs, told }: { said: Said[]; signs: Sign[]; told: Told[] },
  signal: signals.Signal,
  position: number,
  storedAt: number,
): void {
  const { device, identity, body, receivedAt } = signal;
  if (body.case === "event" && body.value.issuer !== "") {
    if (body.value.issuer === "liveness") told.push({ device, identity, position });
    return;
  }
  const found = saidBy(factOf(signal, position));
  if (found) said.push(found);
  const at = Math.min(Number(receivedAt), storedAt);
  signs.push({ device, position, at, isHeartbeat: body.case === "heartbeat" });
}

function factOf({ device, identity, body }: signals.Signal, position: number): Fact {
  const fact = { device, identity, position };
  switch (body.case) {
    case "event": {
      const { data, value, reading } = body.value;
      return {
        ...fact,
        text: data.length > 0 ? Buffer.from(data).toString() : value,
        values: reading?.values,
      };
    }
    case "measurements":
      return { ...fact, values: body.value.measurements[0]?.values };
    case "message":
    case "streamMessage":
      return { ...fact, text: Buffer.from(body.value.payload).toString() };
    default:
      return fact;
  }
}
