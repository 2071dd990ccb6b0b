// For processes that host the service.
export { AuthModule } from "./auth.module.js";
