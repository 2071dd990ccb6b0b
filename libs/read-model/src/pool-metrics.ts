import type pg from "pg";
import { Gauge, type Registry } from "prom-client";

/** By registry, the pools of the services that share it. */
const pools = new WeakMap<Registry, Map<string, Set<pg.Pool>>>();

/** How a service's connections for queries are used; of several pools of a service, the sum. */
export function observePool(registry: Registry, service: string, pool: pg.Pool): void {
  let all = pools.get(registry);
  if (!all) {
    all = new Map();
    pools.set(registry, all);
    registerPools(registry, all);
  }
  const own = all.get(service) ?? new Set();
  all.set(service, own.add(pool));
}

function registerPools(registry: Registry, all: ReadonlyMap<string, ReadonlySet<pg.Pool>>): void {
  const gauge = (
    name: string,
    help: string,
    label: string[],
    read: (pool: pg.Pool) => Record<string, number>,
  ) =>
    new Gauge({
      name: `fieldlog_postgres_${name}`,
      help,
      labelNames: ["service", ...label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [service, own] of all) {
          for (const pool of own) {
            for (const [state, count] of Object.entries(read(pool))) {
              this.inc(label.length > 0 ? { service, state } : { service }, count);
            }
          }
        }
      },
    });
  gauge(
    "connections",
    "Connections for queries by state: busy, idle, free (may be opened yet).",
    ["state"],
    ({ totalCount, idleCount, options }) => ({
      ...{ busy: totalCount - idleCount, idle: idleCount },
      free: Math.max(0, (options.max ?? 0) - totalCount),
    }),
  );
  gauge("queries_waiting", "Queries that wait for a connection.", [], ({ waitingCount }) => ({
    waiting: waitingCount,
  }));
}
