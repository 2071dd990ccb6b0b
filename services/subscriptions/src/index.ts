// For processes that host the service.
export { SubscriptionsModule } from "./subscriptions.module.js";
