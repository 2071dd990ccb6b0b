import { observeDeliveries } from "@fieldlog/fan-out";
import { counter, gauge, type Registry } from "@fieldlog/runtime";
import type { Sessions } from "./sessions/sessions.js";

/** What sessions are and have done, for the operator. */
export function observeSessions(registry: Registry, sessions: Pick<Sessions, "counts" | "state">): void {
  const { counts } = sessions;
  gauge(registry, {
    name: "fieldlog_mqtt_sessions",
    help: "Sessions whose clients are connected here; those that read the log because they are behind.",
    labelNames: ["state"],
    collect() {
      const { connected, behind } = sessions.state();
      this.set({ state: "connected" }, connected);
      this.set({ state: "behind" }, behind);
    },
  });
  gauge(registry, {
    name: "fieldlog_mqtt_session_lag_commits",
    help: "Commits that the session which is furthest behind has yet to read.",
    collect() {
      this.set(sessions.state().lag);
    },
  });
  gauge(registry, {
    name: "fieldlog_mqtt_feeds",
    help: "Namespaces that are followed here, and shared subscriptions.",
    labelNames: ["kind"],
    collect() {
      const { feeds, sharedFeeds } = sessions.state();
      this.set({ kind: "namespace" }, feeds);
      this.set({ kind: "shared" }, sharedFeeds);
    },
  });
  gauge(registry, {
    name: "fieldlog_mqtt_window_bytes",
    help: "Recent commits that are kept in memory for sessions that are a little behind.",
    collect() {
      this.set(sessions.state().windowBytes);
    },
  });
  gauge(registry, {
    name: "fieldlog_mqtt_in_flight",
    help: "Deliveries that clients have not acknowledged.",
    collect() {
      this.set(sessions.state().inFlight);
    },
  });
  counter(registry, {
    name: "fieldlog_mqtt_deliveries_total",
    help: "Deliveries to clients, by QoS.",
    labelNames: ["qos"],
    collect() {
      counts.deliveries.forEach((n, qos) => {
        this.inc({ qos: String(qos) }, n);
      });
    },
  });
  observeDeliveries(registry, {
    mqtt: {
      get count() {
        return counts.deliveries[0] + counts.deliveries[1] + counts.deliveries[2];
      },
    },
  });
  const others = {
    redeliveries: "Deliveries of what was in flight when a connection ended.",
    catchUpReads: "Times that a session that was behind read the log.",
    takeOvers: "Sessions taken over by another connection of the same client.",
    wills: "Wills published.",
    expired: "Messages that had expired before they were delivered.",
  } as const;
  for (const [name, help] of Object.entries(others)) {
    const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    counter(registry, {
      name: `fieldlog_mqtt_session_${snake}_total`,
      help,
      collect() {
        this.inc(counts[name as keyof typeof others]);
      },
    });
  }
}
