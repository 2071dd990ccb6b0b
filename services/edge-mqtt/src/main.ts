import "@fieldlog/runtime/young-generation";

// Imported after it, because the memory that loading them takes is kept as well.
const { runService } = await import("@fieldlog/runtime");
const { EdgeMqttModule } = await import("./edge-mqtt.module.js");

await runService("edge-mqtt", (runtime) => EdgeMqttModule.with(runtime));
