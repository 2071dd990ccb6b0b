import { setTimeout as sleep } from "node:timers/promises";
import type { Weathered } from "../proxy/link.js";
import { described, type Fault, type Targets } from "./fault.js";
import type { Keeper } from "./keeper.js";

/** A log that can be filled: it takes no more bytes, until it does again. */
export interface Fillable {
  fill(stream: string): Promise<void>;
  /** Tries until it succeeded. */
  empty(stream: string): Promise<void>;
}

/** What faults can be done to. */
export interface Victims {
  readonly keepers: ReadonlyMap<string, Keeper>;
  readonly links: ReadonlyMap<string, Weathered>;
  /** Links whose clients' messages may come twice, since each has an identity. */
  readonly repeatable: readonly string[];
  /** Each between one NATS server and all others. */
  readonly routes: ReadonlyMap<string, Weathered>;
  readonly logs: readonly string[];
  readonly quota: Fillable;
  /** Sets by how many ms a sender's clock is ahead. */
  readonly clocks: ReadonlyMap<string, (aheadMs: number) => void>;
}

export function targetsOf({ keepers, links, repeatable, routes, logs, clocks }: Victims): Targets {
  const processes = [...keepers.keys()];
  const ways = [...links.keys()];
  return {
    ...{ kill: processes, pause: processes, restart: processes },
    ...{ cut: ways, refuse: ways, swallow: ways, delay: ways, duplicate: repeatable },
    ...{ part: [...routes.keys()], fill: logs, clock: [...clocks.keys()] },
  };
}

/** Does what the schedule says, when it says so; resolves, when all is lifted, to what was done. */
export async function perform(
  faults: readonly Fault[],
  victims: Victims,
  { progress, signal }: { progress: (message: string) => void; signal: AbortSignal },
): Promise<readonly Fault[]> {
  const begun = performance.now();
  const underWay: Promise<void>[] = [];
  const performed: Fault[] = [];
  for (const fault of faults) {
    const early = fault.atMs - (performance.now() - begun);
    if (early > 0) await sleep(early, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    performed.push(fault);
    progress(`${String(performed.length).padStart(3)}/${faults.length}  ${described(fault)}`);
    underWay.push(done(fault, victims, signal));
  }
  await Promise.all(underWay);
  return performed;
}

async function done(fault: Fault, victims: Victims, signal: AbortSignal): Promise<void> {
  const lift = await begin(fault, victims);
  await sleep(fault.forMs, undefined, { signal }).catch(() => undefined);
  await lift();
}

type Lift = () => unknown;

async function begin({ kind, target, amount }: Fault, victims: Victims): Promise<Lift> {
  const keeper = victims.keepers.get(target);
  const link = victims.links.get(target) ?? victims.routes.get(target);
  if (keeper) {
    if (kind === "pause") {
      await keeper.machine.pause();
      return () => keeper.machine.resume();
    }
    await (kind === "kill" ? keeper.kill() : keeper.stop());
    return () => keeper.release();
  }
  if (kind === "fill") {
    await victims.quota.fill(target);
    return () => victims.quota.empty(target);
  }
  if (kind === "clock") {
    victims.clocks.get(target)?.(amount);
    return () => victims.clocks.get(target)?.(0);
  }
  return link ? weather(kind, link, amount) : () => undefined;
}

function weather(kind: Fault["kind"], link: Weathered, amount: number): Lift {
  switch (kind) {
    case "refuse":
      link.set({ refuse: true });
      link.cut();
      return () => link.set({ refuse: false });
    case "swallow":
      link.set({ swallow: true });
      return () => {
        link.cut();
        link.set({ swallow: false });
      };
    case "part":
      link.set(amount === 0 ? { swallow: "both" } : { refuse: true });
      if (amount !== 0) link.cut();
      return () => {
        link.cut();
        link.set({ swallow: false, refuse: false });
      };
    case "delay":
      link.set({ delayMs: amount });
      return () => link.set({ delayMs: 0 });
    case "duplicate":
      // Of a connection that is open it is not known where in a request it is.
      link.set({ duplicate: true });
      link.cut();
      return () => {
        link.cut();
        link.set({ duplicate: false });
      };
    default:
      link.cut();
      return () => undefined;
  }
}
