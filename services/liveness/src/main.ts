import "@fieldlog/runtime/young-generation";

// Imported after it, because the memory that loading them takes is kept as well.
const { runService } = await import("@fieldlog/runtime");
const { LivenessModule } = await import("./liveness.module.js");

await runService("liveness", LivenessModule.with);
