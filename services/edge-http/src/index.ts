// For processes that host the service.
export type { EdgeOptions } from "./compose.js";
export { EdgeHttpModule } from "./edge-http.module.js";
export type { Addresses } from "./http/server.js";
