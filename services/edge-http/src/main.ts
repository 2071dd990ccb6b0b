import "@fieldlog/runtime/young-generation";

// Imported after it, because the memory that loading them takes is kept as well.
const { runService } = await import("@fieldlog/runtime");
const { EdgeHttpModule } = await import("./edge-http.module.js");

await runService("edge-http", (runtime) => EdgeHttpModule.with(runtime));
