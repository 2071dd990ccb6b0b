import { runService } from "@fieldlog/runtime";
import { EdgeWebSocketModule } from "./edge-websocket.module.js";

await runService("edge-websocket", EdgeWebSocketModule.with);
