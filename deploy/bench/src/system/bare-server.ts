import { createServer } from "node:http";
import { create, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";

// The peer, in a process of its own: a node:http server that reads the whole body and answers what the edge
// answers, and does nothing else. Tells its parent the port.

const type = saf.StatusMessage_StatusType.SUCCESS;
const ANSWER = Buffer.from(
  toBinary(saf.EventResponseSchema, create(saf.EventResponseSchema, { status: { type } })),
);

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    Buffer.concat(parts);
    response.writeHead(200, {
      "content-type": "application/x-protobuf",
      "content-length": ANSWER.length,
    });
    response.end(ANSWER);
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address) process.send?.({ port: address.port });
});
// Ctrl-C reaches every process of the terminal; the parent decides what ends when.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());
