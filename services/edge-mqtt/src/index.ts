// For processes that host the service.
export type { EdgeMqttOptions } from "./compose.js";
export { EdgeMqttModule } from "./edge-mqtt.module.js";
export type { MqttAddresses } from "./net/listeners.js";
