import { runService } from "@fieldlog/runtime";
import { StreamsModule } from "./streams.module.js";

await runService("streams", StreamsModule.with);
