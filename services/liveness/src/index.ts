// For processes that host the service.
export { LivenessModule } from "./liveness.module.js";
