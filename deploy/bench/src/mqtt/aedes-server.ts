import { createServer } from "node:net";
import { Aedes } from "aedes";

// A peer, in a process of its own: aedes, which keeps everything in memory. Tells its parent the port.

const broker = await Aedes.createBroker();
const server = createServer(broker.handle);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address) process.send?.({ port: address.port });
});
// Ctrl-C reaches every process of the terminal; the parent decides what ends when.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());
