// For processes that host the service.
export { DevicesModule } from "./devices.module.js";
