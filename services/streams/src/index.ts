// For processes that host the service.
export { StreamsModule } from "./streams.module.js";
