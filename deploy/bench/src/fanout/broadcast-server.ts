import { broadcastServer } from "./broadcast.js";

// The peer, in a process of its own. Takes the bytes from its parent, and tells it the port.

process.once("message", async ({ delivery }: { delivery: string }) => {
  const { port } = await broadcastServer(delivery);
  process.send?.({ port });
});
// Ctrl-C reaches every process of the terminal; the parent decides what ends when.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());
