import { type Dashboard, graph, stat } from "../dashboard.js";

export const overview: Dashboard = {
  uid: "fieldlog-overview",
  title: "Fieldlog: overview",
  about:
    "From top to bottom: are devices heard, is anything refused, is anything behind, is anything about to be full.",
  rows: {
    "Does everything run?": [
      stat({
        title: "Services up",
        about: "Services that have at least one replica which has started. There are eleven.",
        unit: "none",
        asks: { services: 'count(max by (service) (fieldlog_service_up{service!="fieldlog"}) == 1)' },
        thresholds: { bad: 11, below: true },
      }),
      stat({
        title: "Checks that fail",
        about: 'Of all that /readyz asks, over all processes. What fails: dashboard "servers and processes".',
        unit: "none",
        asks: { failing: "sum(1 - fieldlog_ready) or vector(0)" },
        thresholds: { bad: 1 },
      }),
      stat({
        title: "Flushed before the acknowledgement",
        about:
          "1: what is acknowledged outlives a power cut. 0: it may not; see the alert FieldlogNotFlushed.",
        unit: "none",
        asks: { flushed: "min(fieldlog_log_flushed)" },
        thresholds: { bad: 1, below: true },
      }),
      stat({
        title: "Errors logged",
        about: "Entries of level error and fatal in the last hour.",
        unit: "none",
        asks: { errors: 'sum(increase(fieldlog_log_entries_total{level=~"error|fatal"}[1h]))' },
        thresholds: { warn: 1, bad: 20 },
      }),
    ],
    "Are devices heard?": [
      graph({
        title: "Signals stored",
        about: "Signals that are in the log and flushed, by the door that they came in by.",
        unit: "ops",
        asks: { "{{service}}": "sum by (service) (rate(fieldlog_commit_signals_sum[$__rate_interval]))" },
        stacked: true,
      }),
      graph({
        title: "Devices by state",
        about:
          "Active; late: expected and not heard yet; inactive. Of those of which anything was ever heard.",
        unit: "short",
        asks: { "{{state}}": "max by (state) (fieldlog_liveness_devices)" },
        stacked: true,
      }),
      graph({
        title: "Connections",
        about: "Open connections by door.",
        unit: "short",
        asks: {
          HTTP: "sum(fieldlog_http_connections)",
          MQTT: "sum(fieldlog_mqtt_connections)",
          WebSocket: "sum(fieldlog_websocket_connections)",
        },
      }),
    ],
    "Is anything refused?": [
      graph({
        title: "Refused by the senders' fault",
        about:
          "Malformed, unauthenticated, forbidden, too large, too many…: a jump is mostly one fleet's new version, or an attack.",
        unit: "ops",
        asks: {
          "{{service}}: {{reason}}":
            'sum by (service, reason) (rate(fieldlog_refusals_total{reason!~"unavailable|failed"}[$__rate_interval])) > 0',
        },
      }),
      graph({
        title: "Refused by our own fault",
        about:
          "unavailable: the log or a service did not take it, and the sender is told to come back. failed: a defect.",
        unit: "ops",
        asks: {
          "{{service}}: {{reason}}":
            'sum by (service, reason) (rate(fieldlog_refusals_total{reason=~"unavailable|failed"}[$__rate_interval]))',
        },
        thresholds: { bad: 0.1 },
      }),
      graph({
        title: "From the sending of a commit to its acknowledgement",
        about: "What every sender waits for: NATS writes and flushes. Slow means a slow or busy disk.",
        unit: "s",
        asks: {
          "99 %":
            'histogram_quantile(0.99, sum by (le) (rate(fieldlog_commit_seconds_bucket{outcome="stored"}[$__rate_interval])))',
          half: 'histogram_quantile(0.5, sum by (le) (rate(fieldlog_commit_seconds_bucket{outcome="stored"}[$__rate_interval])))',
        },
        thresholds: { warn: 0.1, bad: 0.5 },
      }),
    ],
    "Is anything behind?": [
      graph({
        title: "Signals that wait for the log",
        about: "In the doors. It rises when commits are slow or fail; at its limit a door refuses.",
        unit: "short",
        asks: { "{{service}}": "sum by (service) (fieldlog_edge_pending_signals)" },
      }),
      graph({
        title: "Read models: seconds behind",
        about: "For how long the oldest commit that is not applied has been in the log.",
        unit: "s",
        asks: { "{{service}} {{model}}": "max by (service, model) (fieldlog_read_model_lag_seconds) > 0" },
        thresholds: { warn: 10, bad: 60 },
      }),
      graph({
        title: "Set aside or failing",
        about:
          "Devices whose records wait as dead letters, webhooks whose endpoints fail, revisions to be published.",
        unit: "short",
        asks: {
          "devices with dead letters": "sum(max by (service, model) (fieldlog_read_model_parked_devices))",
          "failing webhooks": "sum(fieldlog_webhooks_failing)",
          "devices with unpublished revisions": "max(fieldlog_outbox_pending)",
        },
        thresholds: { bad: 1 },
      }),
    ],
    "Is anything about to be full?": [
      graph({
        title: "Share of what they may take up",
        about:
          "The streams of their own limits, and the NATS store of the disk that it was given. A full stream refuses.",
        unit: "percentunit",
        asks: {
          "{{stream}}": "max by (stream) (fieldlog_log_bytes / fieldlog_log_limit_bytes)",
          "NATS store": "max(fieldlog_nats_store_bytes / fieldlog_nats_store_limit_bytes)",
        },
        thresholds: { warn: 0.7, bad: 0.85 },
      }),
      graph({
        title: "Bytes",
        about: "Of each stream, compressed, and of the database that is built from them.",
        unit: "bytes",
        asks: {
          "{{stream}}": "max by (stream) (fieldlog_log_bytes)",
          PostgreSQL: "max(fieldlog_postgres_database_bytes)",
        },
      }),
      stat({
        title: "The certificate is good for",
        about: "Until the certificate of the TLS listeners ends, where there are any.",
        unit: "s",
        asks: { certificate: "min(fieldlog_tls_certificate_not_after_timestamp_seconds) - time()" },
        thresholds: { warn: 1_209_600, bad: 259_200, below: true },
      }),
    ],
  },
};
