import { type Dashboard, graph } from "../dashboard.js";

export const servers: Dashboard = {
  uid: "fieldlog-servers",
  title: "Fieldlog: servers and processes",
  about: "NATS and PostgreSQL as Fieldlog sees them, calls between services, and the processes themselves.",
  rows: {
    NATS: [
      graph({
        title: "Copies of the streams",
        about: "leading and current together should be as many as are wanted.",
        unit: "short",
        asks: {
          "{{stream}} {{state}}": "max by (stream, state) (fieldlog_log_copies)",
          "{{stream}} wanted": "max by (stream) (fieldlog_log_copies_wanted)",
        },
      }),
      graph({
        title: "Store",
        about: "Of the server that the monitoring address leads to: streams, key-value buckets, objects.",
        unit: "bytes",
        asks: {
          used: "max(fieldlog_nats_store_bytes)",
          "may be used": "max(fieldlog_nats_store_limit_bytes)",
        },
      }),
      graph({
        title: "Commits in the streams",
        about: "All that there are.",
        unit: "short",
        asks: { "{{stream}}": "max by (stream) (fieldlog_log_commits)" },
      }),
    ],
    PostgreSQL: [
      graph({
        title: "Connections for queries",
        about: "Of each service's pool; the ones by which read models are written come on top.",
        unit: "short",
        asks: {
          "{{service}} {{state}}": 'sum by (service, state) (fieldlog_postgres_connections{state!="free"})',
        },
      }),
      graph({
        title: "Queries that wait for a connection",
        about: "For longer than moments: PostgreSQL is slow, or a service needs more replicas.",
        unit: "short",
        asks: { "{{service}}": "sum by (service) (fieldlog_postgres_queries_waiting)" },
        thresholds: { bad: 1 },
      }),
      graph({
        title: "Database",
        about: "Bytes of what is built from the log, indexes included.",
        unit: "bytes",
        asks: { database: "max(fieldlog_postgres_database_bytes)" },
      }),
    ],
    "Calls between services": [
      graph({
        title: "Calls that failed",
        about: "By the service that was called and the code.",
        unit: "ops",
        asks: {
          "{{service}} {{code}}":
            'sum by (service, code) (rate(fieldlog_rpc_call_seconds_count{side="server",code!="ok"}[$__rate_interval])) > 0',
        },
      }),
      graph({
        title: "Time of a call",
        about: "99 %, as the called service sees it.",
        unit: "s",
        asks: {
          "{{service}}":
            'histogram_quantile(0.99, sum by (service, le) (rate(fieldlog_rpc_call_seconds_bucket{side="server"}[$__rate_interval])))',
        },
        thresholds: { bad: 1 },
      }),
      graph({
        title: "Checks that fail",
        about: "Of /readyz, by process.",
        unit: "short",
        asks: { "{{instance}} {{check}}": "1 - fieldlog_ready > 0" },
        thresholds: { bad: 1 },
      }),
    ],
    Processes: [
      graph({
        title: "Event loop: delay",
        about: "99 %, of the last seconds. A process that is held up answers nobody.",
        unit: "s",
        asks: { "{{job}} {{instance}}": "nodejs_eventloop_lag_p99_seconds" },
        thresholds: { warn: 0.1, bad: 0.5 },
      }),
      graph({
        title: "Processor",
        about: "1 is a whole one; a service is one thread, so that about 1 is all that it can use.",
        unit: "short",
        asks: { "{{job}} {{instance}}": "rate(process_cpu_seconds_total[$__rate_interval])" },
        thresholds: { bad: 0.9 },
      }),
      graph({
        title: "Memory",
        about: "Resident.",
        unit: "bytes",
        asks: { "{{job}} {{instance}}": "process_resident_memory_bytes" },
      }),
      graph({
        title: "Warnings and errors in the logs",
        about: "By service and level.",
        unit: "ops",
        asks: {
          "{{service}} {{level}}":
            "sum by (service, level) (rate(fieldlog_log_entries_total[$__rate_interval])) > 0",
        },
      }),
    ],
  },
};
