import { runService } from "@fieldlog/runtime";
import { DevicesModule } from "./devices.module.js";

await runService("devices", DevicesModule.with);
