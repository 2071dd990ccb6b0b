import { SIGNALS } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { counter, gauge, type Registry } from "@fieldlog/runtime";
import type { LiveTable } from "./service/table.js";

/** Milliseconds for which a count of all devices is good: scrapes may come from several places. */
const KEPT_MS = 5_000;

/** What a replica knows, as of when it is asked. */
export function observeDevices(
  metrics: Registry,
  table: LiveTable,
  log: Pick<EventLog, "lastSequence" | "timeAfter">,
  now: () => number,
): void {
  let counted = { at: Number.NEGATIVE_INFINITY, states: { active: 0, late: 0, inactive: 0 } };
  gauge(metrics, {
    name: "fieldlog_liveness_devices",
    help: "Devices of which anything was heard, by state.",
    labelNames: ["state"],
    collect() {
      if (now() - counted.at > KEPT_MS) counted = { at: now(), states: count(table, now()) };
      for (const [state, devices] of Object.entries(counted.states)) this.set({ state }, devices);
    },
  });
  counter(metrics, {
    name: "fieldlog_liveness_turned_away_total",
    help: "Signals and decisions of devices for which there was no place any more.",
    collect() {
      this.inc(table.machine.turnedAway);
    },
  });
  gauge(metrics, {
    name: "fieldlog_liveness_lag_commits",
    help: "Commits of SIGNALS that this replica has not taken in yet.",
    async collect() {
      const last = await log.lastSequence(SIGNALS).catch(() => undefined);
      if (last !== undefined) this.set(Math.max(0, last - table.sequence(SIGNALS)));
    },
  });
  gauge(metrics, {
    name: "fieldlog_liveness_lag_seconds",
    help: "Seconds for which the oldest commit that this replica has not taken in has been in the log; 0: there is none.",
    async collect() {
      const since = await log.timeAfter(SIGNALS, table.sequence(SIGNALS)).catch(() => undefined);
      this.set(since === undefined ? 0 : Math.max(0, now() - since.getTime()) / 1000);
    },
  });
}

function count({ machine }: LiveTable, now: number) {
  const states = { active: 0, late: 0, inactive: 0 };
  for (const slot of machine.slots.all()) {
    const state = machine.stateOf(slot, now);
    if (state !== undefined) states[state]++;
  }
  return states;
}
