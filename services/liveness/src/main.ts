import { runService } from "@fieldlog/runtime";
import { LivenessModule } from "./liveness.module.js";

await runService("liveness", LivenessModule.with);
