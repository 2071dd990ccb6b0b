import { runService } from "@fieldlog/runtime";
import { OffersModule } from "./offers.module.js";

await runService("offers", OffersModule.with);
