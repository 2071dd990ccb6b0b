// For processes that host the service.
export { SamplingModule } from "./sampling.module.js";
