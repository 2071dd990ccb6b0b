import "@fieldlog/runtime/young-generation";

// Imported after it, because the memory that loading them takes is kept as well.
const { runService } = await import("@fieldlog/runtime");
const { EdgeWebSocketModule } = await import("./edge-websocket.module.js");

await runService("edge-websocket", (runtime) => EdgeWebSocketModule.with(runtime));
