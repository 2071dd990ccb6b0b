import { counter, type Runtime } from "@fieldlog/runtime";

/**
 * Why an edge did not do what it was asked for, in words that are the same at every door. The last two are the
 * installation's own fault.
 */
export type RefusalReason =
  | "malformed"
  | "unauthenticated"
  | "forbidden"
  | "unknown"
  | "conflict"
  | "too-large"
  | "too-many"
  | "unavailable"
  | "failed";

const BY_STATUS: Readonly<Record<number, RefusalReason>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "unknown",
  405: "unknown",
  409: "conflict",
  410: "unknown",
  412: "conflict",
  413: "too-large",
  423: "forbidden",
  429: "too-many",
  431: "too-large",
  500: "failed",
  503: "unavailable",
};

/** What an HTTP status says; undefined: it is no refusal. */
export function reasonOfStatus(status: number): RefusalReason | undefined {
  if (status < 400) return undefined;
  return BY_STATUS[status] ?? (status < 500 ? "malformed" : "failed");
}

/** Shows what the edge counts of its refusals; `read` gives each reason as often as it likes, with how many more. */
export function observeRefusals(
  { metrics, service }: Pick<Runtime, "metrics" | "service">,
  read: () => Iterable<readonly [RefusalReason, number]>,
): void {
  counter(metrics, {
    name: "fieldlog_refusals_total",
    help: "Requests, connections and messages that a door refused, by reason; unavailable and failed are not the sender's fault.",
    labelNames: ["service", "reason"],
    collect() {
      for (const reason of ["unavailable", "failed"]) this.inc({ service, reason }, 0);
      for (const [reason, count] of read()) this.inc({ service, reason }, count);
    },
  });
}
