// For processes that host the service.
export { ProjectionsModule } from "./projections.module.js";
