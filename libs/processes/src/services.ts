/** The services, in the order of their start; they stop in the reverse: the doors first, so that they drain. */
export const SERVICES = [
  "auth",
  "devices",
  "projections",
  "subscriptions",
  "liveness",
  "offers",
  "sampling",
  "streams",
  "edge-http",
  "edge-mqtt",
  "edge-websocket",
] as const;

export type ServiceName = (typeof SERVICES)[number];

/** What devices and people come in by, and the settings of the ports that they find it on. */
export const DOORS = {
  "edge-http": ["FIELDLOG_HTTP_PORT", "FIELDLOG_HTTPS_PORT"],
  "edge-mqtt": [
    "FIELDLOG_MQTT_PORT",
    "FIELDLOG_MQTTS_PORT",
    "FIELDLOG_MQTT_WS_PORT",
    "FIELDLOG_MQTT_WSS_PORT",
  ],
  "edge-websocket": ["FIELDLOG_WS_PORT", "FIELDLOG_WSS_PORT"],
} as const satisfies Partial<Record<ServiceName, readonly string[]>>;

export const OPS_PORT = "FIELDLOG_OPS_PORT";

export function isDoor(service: ServiceName): service is keyof typeof DOORS {
  return Object.hasOwn(DOORS, service);
}

/** Those that are no doors: others call them by gRPC. */
export const CALLED: readonly ServiceName[] = SERVICES.filter((service) => !isDoor(service));

/** The setting that says where a service is called, and so where it listens. */
export const grpcSetting = (service: ServiceName): string => `FIELDLOG_${service.toUpperCase()}_GRPC`;
