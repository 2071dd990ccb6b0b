import { type Dashboard, graph } from "../dashboard.js";

export const doors: Dashboard = {
  uid: "fieldlog-doors",
  title: "Fieldlog: doors",
  about: "What edge-http, edge-mqtt and edge-websocket are asked for, and how they answer.",
  rows: {
    HTTP: [
      graph({
        title: "Requests by status",
        about: "Answered requests.",
        unit: "reqps",
        asks: { "{{status}}": "sum by (status) (rate(fieldlog_http_requests_total[$__rate_interval]))" },
        stacked: true,
      }),
      graph({
        title: "Requests by route",
        about: "The ten that are asked most.",
        unit: "reqps",
        asks: {
          "{{route}}": "topk(10, sum by (route) (rate(fieldlog_http_requests_total[$__rate_interval])))",
        },
      }),
      graph({
        title: "Connections and what stays open",
        about: "Connections by transport, streams of events, uploads and ingestions that are under way.",
        unit: "short",
        asks: {
          "{{transport}}": "sum by (transport) (fieldlog_http_connections)",
          "event streams": "sum(fieldlog_http_event_streams)",
          "picture streams": "sum(fieldlog_http_picture_streams)",
          uploads: "sum(fieldlog_http_uploads)",
          ingestions: "sum(fieldlog_http_ingestions)",
        },
      }),
    ],
    MQTT: [
      graph({
        title: "Publishes by outcome",
        about: "stored, refused, unavailable (the sender is to send again).",
        unit: "ops",
        asks: { "{{outcome}}": "sum by (outcome) (rate(fieldlog_mqtt_publishes_total[$__rate_interval]))" },
        stacked: true,
      }),
      graph({
        title: "Refused publishes, and ends of connections",
        about: "By reason, in MQTT's words.",
        unit: "ops",
        asks: {
          "publish: {{reason}}": "sum by (reason) (rate(fieldlog_mqtt_refusals_total[$__rate_interval])) > 0",
          "end: {{reason}}": "sum by (reason) (rate(fieldlog_mqtt_disconnects_total[$__rate_interval])) > 0",
          "CONNECT: {{outcome}}":
            "sum by (outcome) (rate(fieldlog_mqtt_connects_total[$__rate_interval])) > 0",
        },
      }),
      graph({
        title: "Connections and sessions",
        about: "By transport and protocol version; sessions that are behind read the log.",
        unit: "short",
        asks: {
          "{{transport}}, {{version}}": "sum by (transport, version) (fieldlog_mqtt_connections)",
          "sessions {{state}}": "sum by (state) (fieldlog_mqtt_sessions)",
        },
      }),
      graph({
        title: "Packets",
        about: "Received above all, by type; and how often a credential was slowed down.",
        unit: "pps",
        asks: {
          "{{type}}": "topk(6, sum by (type) (rate(fieldlog_mqtt_packets_received_total[$__rate_interval])))",
          sent: "sum(rate(fieldlog_mqtt_packets_sent_total[$__rate_interval]))",
          slowed: "sum(rate(fieldlog_mqtt_slowed_total[$__rate_interval]))",
        },
      }),
    ],
    WebSocket: [
      graph({
        title: "Connections",
        about: "Subscribers, devices under remote management, their viewers, ends of tunnels.",
        unit: "short",
        asks: {
          "subscribers and publishers": "sum(fieldlog_websocket_connections)",
          "managed devices": "sum(fieldlog_remote_devices)",
          viewers: "sum(fieldlog_websocket_viewers)",
          "tunnel ends": "sum(fieldlog_websocket_tunnel_ends)",
        },
      }),
      graph({
        title: "Hellos of managed devices",
        about: "By outcome.",
        unit: "ops",
        asks: { "{{outcome}}": "sum by (outcome) (rate(fieldlog_remote_hellos_total[$__rate_interval]))" },
      }),
    ],
    "What doors remember": [
      graph({
        title: "Cache hits",
        about:
          "Share of the look-ups that nobody had to be asked for. After a start, or when many are revoked, it is low for a while.",
        unit: "percentunit",
        asks: {
          "{{service}}":
            'sum by (service) (rate(fieldlog_edge_cache_lookups_total{outcome="hit"}[$__rate_interval])) / sum by (service) (rate(fieldlog_edge_cache_lookups_total[$__rate_interval]))',
        },
        thresholds: { bad: 0.5, below: true },
      }),
      graph({
        title: "Cached entries",
        about: "By cache; each is bounded.",
        unit: "short",
        asks: { "{{service}} {{cache}}": "sum by (service, cache) (fieldlog_edge_cached_entries) > 0" },
      }),
      graph({
        title: "Look-ups that failed, and forgotten message ids",
        about:
          "Internal calls of the doors by code; devices whose recent ids were forgotten early (more devices than foreseen).",
        unit: "ops",
        asks: {
          "{{service}} {{code}}":
            'sum by (service, code) (rate(fieldlog_rpc_call_seconds_count{side="client",code!="ok"}[$__rate_interval])) > 0',
          "replay evictions": "sum(rate(fieldlog_edge_replay_evictions_total[$__rate_interval]))",
        },
      }),
    ],
  },
};
