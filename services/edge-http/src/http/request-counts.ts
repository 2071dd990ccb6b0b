import { type RefusalReason, reasonOfStatus } from "@fieldlog/admission";
import { counter, type Registry } from "@fieldlog/runtime";

/** Counts answers by route and status without touching the metrics library on the way of a request. */
export class RequestCounts {
  private readonly byRoute = new Map<string, number[]>();

  constructor(registry: Registry) {
    const { byRoute } = this;
    counter(registry, {
      name: "fieldlog_http_requests_total",
      help: "Requests answered, by route and HTTP status.",
      labelNames: ["route", "status"],
      collect() {
        for (const [route, counts] of byRoute) {
          counts.forEach((count, status) => {
            this.inc({ route, status: String(status) }, count);
          });
        }
      },
    });
  }

  note(route: string, status: number): void {
    let counts = this.byRoute.get(route);
    if (counts === undefined) {
      counts = [];
      this.byRoute.set(route, counts);
    }
    counts[status] = (counts[status] ?? 0) + 1;
  }

  /** Those that were refused, of each route and status. */
  *refusals(): Generator<[RefusalReason, number]> {
    for (const counts of this.byRoute.values()) {
      for (const [status, count] of Object.entries(counts)) {
        const reason = reasonOfStatus(Number(status));
        if (reason !== undefined) yield [reason, count];
      }
    }
  }
}
