import { runService } from "@fieldlog/runtime";
import { EdgeHttpModule } from "./edge-http.module.js";

await runService("edge-http", (runtime) => EdgeHttpModule.with(runtime));
