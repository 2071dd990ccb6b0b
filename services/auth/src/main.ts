import { runService } from "@fieldlog/runtime";
import { AuthModule } from "./auth.module.js";

await runService("auth", AuthModule.with);
