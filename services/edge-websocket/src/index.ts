// For processes that host the service.
export type { EdgeWebSocketOptions } from "./compose.js";
export { EdgeWebSocketModule } from "./edge-websocket.module.js";
