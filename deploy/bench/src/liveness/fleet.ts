import { once } from "node:events";
import { finished } from "node:stream/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";

/** Heartbeats that wait for the log at once. */
const AT_ONCE = 20_000;

/** As long as real ones. */
export const deviceOf = (index: number) => `b${String(index).padStart(35, "0")}`;

export interface Fleet {
  readonly namespace: string;
  readonly devices: number;
  readonly inactiveAfterS: number;
}

/** Puts devices, and how their namespaces are set, where liveness finds them when it starts. */
export async function settle(postgresUrl: string, fleets: readonly Fleet[]): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    for (const { namespace, devices, inactiveAfterS } of fleets) {
      await client.query("INSERT INTO liveness.settings VALUES ($1, $1, 600, $2)", [
        namespace,
        inactiveAfterS,
      ]);
      const stream = client.query(
        copyFrom(
          "COPY liveness.devices (namespace, device, dialect, mobile, latitude, longitude) FROM STDIN",
        ),
      );
      for (let from = 0; from < devices; from += AT_ONCE) {
        let text = "";
        for (let i = from; i < Math.min(from + AT_ONCE, devices); i++) {
          const place = `${((i * 7) % 180) - 90}\t${((i * 13) % 360) - 180}`;
          text += `${namespace}\t${deviceOf(i)}\tcsn\t${i % 3 === 0 ? "t" : "f"}\t${place}\n`;
        }
        if (!stream.write(text)) await once(stream, "drain");
      }
      stream.end();
      await finished(stream);
    }
  } finally {
    await client.end();
  }
}

/** One heartbeat of each device from `from` up to `to`. Raises LogUnavailable. */
export async function beat(
  log: EventLog,
  namespace: string,
  [from, to]: readonly [number, number],
  status = "",
): Promise<void> {
  for (let begin = from; begin < to; begin += AT_ONCE) {
    const waiting: Promise<unknown>[] = [];
    for (let i = begin; i < Math.min(begin + AT_ONCE, to); i++) {
      const at = BigInt(Date.now());
      const body = { case: "heartbeat" as const, value: { status } };
      const signal = create(signals.SignalSchema, {
        device: deviceOf(i),
        receivedAt: at,
        occurredAt: at,
        body,
      });
      waiting.push(log.signals.append(namespace, toBinary(signals.SignalSchema, signal)));
    }
    await Promise.all(waiting);
  }
}
