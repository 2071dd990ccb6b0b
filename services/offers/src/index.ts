// For processes that host the service.
export { OffersModule } from "./offers.module.js";
