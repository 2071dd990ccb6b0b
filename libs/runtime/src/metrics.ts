import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  type Metric,
  Registry,
} from "prom-client";

export type { Counter, Gauge, Histogram, Registry };

/** Seconds, from half a millisecond to the longest that anything may take. */
export const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A registry with the process's own metrics (memory, CPU, event loop, garbage collection). */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

// Services that share a process share the registry, so the second to ask for a metric gets the first's; what they
// collect is added up in it, by labels that tell them apart.

/** A counter. With `collect`, it is filled anew each time that it is asked for. */
export function counter<L extends string>(registry: Registry, config: CounterConfiguration<L>): Counter<L> {
  return shared(registry, config, (own) => new Counter({ ...own, registers: [registry] }));
}

export function gauge<L extends string>(registry: Registry, config: GaugeConfiguration<L>): Gauge<L> {
  return shared(registry, config, (own) => new Gauge({ ...own, registers: [registry] }));
}

export function histogram<L extends string>(
  registry: Registry,
  config: HistogramConfiguration<L>,
): Histogram<L> {
  return shared(
    registry,
    config,
    (own) => new Histogram({ buckets: SECONDS, ...own, registers: [registry] }),
  );
}

type Collect<M> = (this: M) => void | Promise<void>;

/** Of a metric that is filled when it is asked for, all who fill it. */
const collectors = new WeakMap<Metric, Collect<never>[]>();

function shared<M extends Metric, C extends { name: string; collect?: Collect<M> }>(
  registry: Registry,
  { collect, ...config }: C,
  make: (config: C) => M,
): M {
  const known = registry.getSingleMetric(config.name) as M | undefined;
  const all = (known && collectors.get(known)) ?? [];
  if (collect) all.push(collect as Collect<never>);
  if (known || all.length === 0) return known ?? make(config as C);
  const metric: M = make({
    ...(config as C),
    async collect(this: M) {
      // A counter cannot be set.
      if (this instanceof Counter) this.reset();
      await Promise.all(all.map((each) => (each as Collect<M>).call(this)));
    },
  });
  collectors.set(metric, all);
  return metric;
}
