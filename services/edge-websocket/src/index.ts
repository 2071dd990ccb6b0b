// For processes that host the service.
export { EdgeWebSocketModule } from "./edge-websocket.module.js";
