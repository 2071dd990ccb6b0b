import { runService } from "@fieldlog/runtime";
import { SamplingModule } from "./sampling.module.js";

await runService("sampling", SamplingModule.with);
