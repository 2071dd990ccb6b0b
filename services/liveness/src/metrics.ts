import { SIGNALS } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { counter, gauge, type Registry } from "@fieldlog/runtime";
import type { LiveTable } from "./service/table.js";

/** Milliseconds for which a count of all devices is good: scrapes may come from several places. */
const KEPT_MS = 5_000;

/** What a replica knows, of all shards, as of when it is asked. @param tables one for each of the log's streams of signals */
export function observeDevices(
  metrics: Registry,
  tables: readonly LiveTable[],
  log: Pick<EventLog, "lastSequence" | "timeAfter" | "signalsStreams">,
  now: () => number,
): void {
  let counted = { at: Number.NEGATIVE_INFINITY, states: { active: 0, late: 0, inactive: 0 } };
  gauge(metrics, {
    name: "fieldlog_liveness_devices",
    help: "Devices of which anything was heard, by state.",
    labelNames: ["state"],
    collect() {
      if (now() - counted.at > KEPT_MS) counted = { at: now(), states: count(tables, now()) };
      for (const [state, devices] of Object.entries(counted.states)) this.set({ state }, devices);
    },
  });
  counter(metrics, {
    name: "fieldlog_liveness_turned_away_total",
    help: "Signals and decisions of devices for which there was no place any more.",
    collect() {
      for (const { machine } of tables) this.inc(machine.turnedAway);
    },
  });
  const reached = () =>
    log.signalsStreams.map((stream, shard) => ({ stream, sequence: tables[shard]?.sequence(SIGNALS) ?? 0 }));
  gauge(metrics, {
    name: "fieldlog_liveness_lag_commits",
    help: "Commits of signals that this replica has not taken in yet, of the shard with the most of them.",
    async collect() {
      const lags = reached().map(async ({ stream, sequence }) => {
        const last = await log.lastSequence(stream).catch(() => undefined);
        return last === undefined ? [] : [Math.max(0, last - sequence)];
      });
      const known = (await Promise.all(lags)).flat();
      if (known.length > 0) this.set(Math.max(...known));
    },
  });
  gauge(metrics, {
    name: "fieldlog_liveness_lag_seconds",
    help: "Seconds for which the oldest commit that this replica has not taken in has been in the log; 0: there is none.",
    async collect() {
      const lags = reached().map(async ({ stream, sequence }) => {
        const since = await log.timeAfter(stream, sequence).catch(() => undefined);
        return since === undefined ? 0 : Math.max(0, now() - since.getTime()) / 1000;
      });
      this.set(Math.max(...(await Promise.all(lags))));
    },
  });
}

function count(tables: readonly LiveTable[], now: number) {
  const states = { active: 0, late: 0, inactive: 0 };
  for (const { machine } of tables) {
    for (const slot of machine.slots.all()) {
      const state = machine.stateOf(slot, now);
      if (state !== undefined) states[state]++;
    }
  }
  return states;
}
