/** Whether the NATS server flushes to disk before it acknowledges. */
export type Durability =
  | { readonly mode: "flushed" }
  | { readonly mode: "interval"; readonly intervalS: number }
  | { readonly mode: "unknown"; readonly reason: string };

/**
 * Asks the server's monitoring endpoint, which is the only place that tells.
 *
 * @param monitorUrl such as `http://127.0.0.1:8222`; undefined where the operator gave none
 */
export async function readDurability(monitorUrl: string | undefined): Promise<Durability> {
  if (monitorUrl === undefined) {
    return { mode: "unknown", reason: "FIELDLOG_NATS_MONITOR_URL is not set" };
  }
  try {
    const answer = await fetch(new URL("/varz", monitorUrl), { signal: AbortSignal.timeout(2_000) });
    return durabilityOf(await answer.json());
  } catch (error) {
    return { mode: "unknown", reason: `${monitorUrl} does not answer (${(error as Error).message})` };
  }
}

/** From what `/varz` answers: `sync_always`, else `sync_interval` in nanoseconds. */
export function durabilityOf(varz: unknown): Durability {
  const config = (varz as { jetstream?: { config?: { sync_always?: boolean; sync_interval?: number } } })
    .jetstream?.config;
  if (config === undefined) return { mode: "unknown", reason: "the server reports no JetStream" };
  if (config.sync_always === true) return { mode: "flushed" };
  if (config.sync_interval === undefined) return { mode: "unknown", reason: "the server is older than 2.10" };
  return { mode: "interval", intervalS: config.sync_interval / 1e9 };
}

/** One line for a person. */
export function describeDurability(durability: Durability): string {
  switch (durability.mode) {
    case "flushed":
      return "flushed to disk before every acknowledgement (sync_interval: always)";
    case "interval":
      return `NOT flushed before the acknowledgement: the server flushes every ${durability.intervalS} s, and a power cut loses what was acknowledged since; set jetstream { sync_interval: always }`;
    case "unknown":
      return `NOT known to be flushed before the acknowledgement: ${durability.reason}`;
  }
}
