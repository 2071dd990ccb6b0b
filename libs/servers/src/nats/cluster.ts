import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { defaultCacheDir } from "../cache-dir.js";
import { keptPassword } from "../kept-password.js";
import { freePort } from "../process/ports.js";
import { obtainNatsServer } from "./obtain/obtain.js";
import { type NatsOptions, type RunningNats, startNats } from "./start.js";

export interface NatsClusterOptions extends Pick<NatsOptions, "syncAlways" | "binary"> {
  /** Holds one folder per server (`nats-1`, …), and the password that all share. Made where there is none. */
  readonly dataDir: string;
  /** How many servers: 1 (which stands alone), 3 or 5. */
  readonly size: number;
  /** Gets each line that a server logs; `server`: from 0 on. */
  readonly log?: (server: number, line: string) => void;
  /**
   * The port on 127.0.0.1 by which one server (from 0 on) reaches another, which listens on `port`: to put something
   * between. Then they have no other way to each other.
   */
  readonly route?: (from: number, to: number, port: number) => Promise<number>;
  /** As of `startNats`; `server`: from 0 on. */
  readonly ended?: (server: number, how: string) => void;
}

/**
 * Starts a cluster of NATS servers with JetStream on this machine, each on a free port, and resolves when all have
 * found each other. It takes a newer program than one server alone does. They are killed and started one by one. Raises what `startNats` raises; then none is left running.
 */
export async function startNatsCluster(o: NatsClusterOptions): Promise<RunningNats[]> {
  const members: number[] = [];
  for (let n = 0; n < o.size; n++) members.push(await freePort());
  const route = o.route ?? (async (_from, _to, port) => port);
  const routes = await Promise.all(
    members.map((_, from) =>
      Promise.all(members.flatMap((port, to) => (to === from ? [] : [route(from, to, port)]))),
    ),
  );
  const progress = (line: string) => o.log?.(0, line);
  const binary =
    o.binary ?? (await obtainNatsServer({ cacheDir: defaultCacheDir(), progress, forCluster: o.size > 1 }));
  await mkdir(o.dataDir, { recursive: true });
  const password = await keptPassword(join(o.dataDir, "password"));
  const starting = members.map((port, n) =>
    startNats({
      dataDir: join(o.dataDir, `nats-${n + 1}`),
      password,
      ...(o.syncAlways !== undefined && { syncAlways: o.syncAlways }),
      binary,
      ...(o.size > 1 && {
        member: {
          serverName: `nats-${n + 1}`,
          cluster: { name: "fieldlog", port, routes: routes[n] ?? [], isRouted: o.route !== undefined },
        },
      }),
      log: (line) => o.log?.(n, line),
      ended: (how) => o.ended?.(n, how),
    }),
  );
  const started = await Promise.allSettled(starting);
  const failed = started.find((one) => one.status === "rejected");
  if (failed) {
    await Promise.all(started.map((one) => one.status === "fulfilled" && one.value.stop()));
    throw failed.reason;
  }
  return started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}
