import { type Dashboard, graph } from "../dashboard.js";

export const log: Dashboard = {
  uid: "fieldlog-log",
  title: "Fieldlog: log and read models",
  about: "How the log takes commits and decisions, and how far what is built from it has come.",
  rows: {
    Commits: [
      graph({
        title: "Time to the acknowledgement",
        about: "From the sending of a commit to its flushed acknowledgement.",
        unit: "s",
        asks: {
          "99 % {{service}}":
            'histogram_quantile(0.99, sum by (service, le) (rate(fieldlog_commit_seconds_bucket{outcome="stored"}[$__rate_interval])))',
          "half {{service}}":
            'histogram_quantile(0.5, sum by (service, le) (rate(fieldlog_commit_seconds_bucket{outcome="stored"}[$__rate_interval])))',
        },
        thresholds: { warn: 0.1, bad: 0.5 },
      }),
      graph({
        title: "Commits by outcome",
        about: "failed: it is not known to be stored, and its senders were told to send again.",
        unit: "ops",
        asks: {
          "{{service}} {{outcome}}":
            "sum by (service, outcome) (rate(fieldlog_commit_seconds_count[$__rate_interval]))",
        },
      }),
      graph({
        title: "Signals in a commit",
        about: "The mean. It grows with the load: that is group commit at work.",
        unit: "short",
        asks: {
          "{{service}}":
            "sum by (service) (rate(fieldlog_commit_signals_sum[$__rate_interval])) / sum by (service) (rate(fieldlog_commit_signals_count[$__rate_interval]))",
        },
      }),
      graph({
        title: "Bytes in a commit",
        about: "The mean, before compression; at most 512 KiB.",
        unit: "bytes",
        asks: {
          "{{service}}":
            "sum by (service) (rate(fieldlog_commit_bytes_sum[$__rate_interval])) / sum by (service) (rate(fieldlog_commit_bytes_count[$__rate_interval]))",
        },
      }),
    ],
    Decisions: [
      graph({
        title: "By kind",
        about: "What was appended to REGISTRY.",
        unit: "ops",
        asks: {
          "{{kind}}":
            'sum by (kind) (rate(fieldlog_decisions_total{outcome="appended"}[$__rate_interval])) > 0',
        },
        stacked: true,
      }),
      graph({
        title: "Not appended",
        about:
          "refused: by a rule. conflict: others decided first, too often. unavailable: the log or the tables. failed: a defect.",
        unit: "ops",
        asks: {
          "{{outcome}}":
            'sum by (outcome) (rate(fieldlog_decisions_total{outcome!~"appended|unchanged"}[$__rate_interval])) > 0',
        },
      }),
      graph({
        title: "What follows from decisions",
        about:
          "Done, failed (and tried again), under way; revisions published; decisions passed over by who tells them.",
        unit: "short",
        asks: {
          "{{outcome}} per s": "sum by (outcome) (rate(fieldlog_aftermath_total[$__rate_interval]))",
          "under way: {{name}}": "sum by (name) (fieldlog_aftermath_under_way)",
          "published per s": "sum(rate(fieldlog_outbox_published_total[$__rate_interval]))",
          "to be published": "max(fieldlog_outbox_pending)",
          "not told per s": "sum(rate(fieldlog_decisions_not_told_total[$__rate_interval]))",
        },
      }),
    ],
    "Read models": [
      graph({
        title: "Seconds behind",
        about: "For how long the oldest commit that is not applied has been in the log.",
        unit: "s",
        asks: { "{{service}} {{model}}": "max by (service, model) (fieldlog_read_model_lag_seconds)" },
        thresholds: { warn: 10, bad: 60 },
      }),
      graph({
        title: "Events behind",
        about: "Commits that are not applied, times the events that those applied lately held.",
        unit: "short",
        asks: { "{{service}} {{model}}": "max by (service, model) (fieldlog_read_model_lag_events)" },
      }),
      graph({
        title: "Records applied",
        about: "And those left out, because their identity was applied before.",
        unit: "ops",
        asks: {
          "{{service}} {{model}}":
            "sum by (service, model) (rate(fieldlog_read_model_applied_total[$__rate_interval])) > 0",
          "seen before": "sum(rate(fieldlog_read_model_duplicates_total[$__rate_interval]))",
        },
      }),
      graph({
        title: "Time to write a pull",
        about: "99 %: of one transaction in PostgreSQL, with the checkpoint.",
        unit: "s",
        asks: {
          "{{service}} {{model}}":
            "histogram_quantile(0.99, sum by (service, model, le) (rate(fieldlog_read_model_apply_seconds_bucket[$__rate_interval])))",
        },
        thresholds: { bad: 1 },
      }),
    ],
    "Who does it": [
      graph({
        title: "Replicas by what they do",
        about:
          "Each read model has one that is live or rebuilding; stopped is wrong (see /readyz and the log).",
        unit: "short",
        asks: { "{{state}}": "sum by (state) (fieldlog_read_model_state)" },
      }),
      graph({
        title: "Dead letters",
        about: "Devices and aggregates whose records wait: fieldlog dead-letters list.",
        unit: "short",
        asks: { "{{service}} {{model}}": "max by (service, model) (fieldlog_read_model_parked_devices)" },
        thresholds: { bad: 1 },
      }),
      graph({
        title: "Liveness: seconds behind",
        about: "What is behind, tells late that devices fell silent or came back.",
        unit: "s",
        asks: {
          behind: "max(fieldlog_liveness_lag_seconds)",
          "99 % from due to told":
            "histogram_quantile(0.99, sum by (le) (rate(fieldlog_liveness_delay_seconds_bucket[$__rate_interval])))",
        },
        thresholds: { bad: 60 },
      }),
      graph({
        title: "Retention: rows deleted",
        about: "By table, where a namespace has a rule. The log keeps all.",
        unit: "ops",
        asks: {
          "{{table}}": "sum by (table) (rate(fieldlog_retention_deleted_rows_total[$__rate_interval]))",
        },
      }),
    ],
  },
};
