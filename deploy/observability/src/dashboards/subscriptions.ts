import { type Dashboard, graph } from "../dashboard.js";

export const subscriptions: Dashboard = {
  uid: "fieldlog-subscriptions",
  title: "Fieldlog: subscriptions and fan-out",
  about: "How what is in the log reaches who subscribed to it.",
  rows: {
    Deliveries: [
      graph({
        title: "By way",
        about: "Events and messages handed to subscribers.",
        unit: "ops",
        asks: { "{{way}}": "sum by (way) (rate(fieldlog_deliveries_total[$__rate_interval]))" },
        stacked: true,
      }),
      graph({
        title: "Subscriptions",
        about: "Durable ones of the installation, by delivery and state.",
        unit: "short",
        asks: { "{{delivery}} {{state}}": "max by (delivery, state) (fieldlog_subscriptions)" },
      }),
      graph({
        title: "Recent commits in memory",
        about: "From which subscribers are served that are up to date or nearly so.",
        unit: "bytes",
        asks: {
          MQTT: "sum(fieldlog_mqtt_window_bytes)",
          WebSocket: "sum(fieldlog_websocket_window_bytes)",
        },
      }),
    ],
    Webhooks: [
      graph({
        title: "Requests by outcome",
        about: "delivered; failed: tried again, ever more rarely; gone: the endpoint wants no more.",
        unit: "reqps",
        asks: {
          "{{outcome}}": "sum by (outcome) (rate(fieldlog_webhooks_attempts_total[$__rate_interval]))",
        },
      }),
      graph({
        title: "Webhooks",
        about: "That are delivered to, that failed last, and that were disabled in the last hour.",
        unit: "short",
        asks: {
          "delivered to": "sum(fieldlog_webhooks_deliveries)",
          failing: "sum(fieldlog_webhooks_failing)",
          "disabled in the last hour": "sum(increase(fieldlog_webhooks_disabled_total[1h]))",
        },
      }),
      graph({
        title: "Queued",
        about: "Events in memory that wait for their requests; the rest waits in the log.",
        unit: "bytes",
        asks: { queued: "sum(fieldlog_webhooks_queued_bytes)" },
      }),
    ],
    "MQTT sessions": [
      graph({
        title: "The one furthest behind",
        about: "Commits that it has yet to read.",
        unit: "short",
        asks: { "{{instance}}": "max by (instance) (fieldlog_mqtt_session_lag_commits)" },
      }),
      graph({
        title: "Deliveries by QoS",
        about: "And those in flight that clients have not acknowledged.",
        unit: "short",
        asks: {
          "QoS {{qos}} per s": "sum by (qos) (rate(fieldlog_mqtt_deliveries_total[$__rate_interval]))",
          "in flight": "sum(fieldlog_mqtt_in_flight)",
        },
      }),
      graph({
        title: "What happens to sessions",
        about: "Reads of the log to catch up, redeliveries, take-overs, wills, messages that expired.",
        unit: "ops",
        asks: {
          "catch-up reads": "sum(rate(fieldlog_mqtt_session_catch_up_reads_total[$__rate_interval]))",
          redeliveries: "sum(rate(fieldlog_mqtt_session_redeliveries_total[$__rate_interval]))",
          "take-overs": "sum(rate(fieldlog_mqtt_session_take_overs_total[$__rate_interval]))",
          wills: "sum(rate(fieldlog_mqtt_session_wills_total[$__rate_interval]))",
          expired: "sum(rate(fieldlog_mqtt_session_expired_total[$__rate_interval]))",
        },
      }),
    ],
    "Other events that go out": [
      graph({
        title: "Liveness and sampling",
        about: "Devices that became active or inactive, and steps of samplings.",
        unit: "ops",
        asks: {
          "became {{to}}": "sum by (to) (rate(fieldlog_liveness_emitted_total[$__rate_interval]))",
          "sampling: {{step}}": "sum by (step) (rate(fieldlog_sampling_steps_total[$__rate_interval])) > 0",
        },
      }),
      graph({
        title: "Feeds",
        about:
          "Namespaces that edge-mqtt follows because somebody subscribes, and groups that share a subscription.",
        unit: "short",
        asks: { "{{kind}}": "sum by (kind) (fieldlog_mqtt_feeds)" },
      }),
    ],
  },
};
