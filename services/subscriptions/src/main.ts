import { runService } from "@fieldlog/runtime";
import { SubscriptionsModule } from "./subscriptions.module.js";

await runService("subscriptions", SubscriptionsModule.with);
