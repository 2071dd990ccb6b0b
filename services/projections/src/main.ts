import { runService } from "@fieldlog/runtime";
import { ProjectionsModule } from "./projections.module.js";

await runService("projections", ProjectionsModule.with);
