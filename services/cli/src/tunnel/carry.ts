import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { CliError } from "../cli-error.js";

/** Milliseconds until the door has to have answered. */
const OPEN_MS = 20_000;
const MESSAGE_BYTES = 1024 * 1024;
/** RFC 6455, section 7.4. */
const DONE = 1_000;
const NO_BYTES = new Uint8Array();

/**
 * Carries a local connection's bytes through a tunnel, no faster than either side takes them; an empty message says that
 * no more follow. Resolves when the tunnel is closed. Raises CliError with the reason that the server gives.
 */
export async function carry(local: Socket, url: string): Promise<void> {
  const options = { handshakeTimeout: OPEN_MS, maxPayload: MESSAGE_BYTES, perMessageDeflate: false };
  const tunnel = new WebSocket(url, options);
  tunnel.on("open", () => local.resume());
  tunnel.on("message", (data: Buffer) => {
    if (data.length === 0) local.end();
    else if (!local.write(data)) {
      tunnel.pause();
      local.once("drain", () => tunnel.resume());
    }
  });
  local.on("data", (chunk) => {
    local.pause();
    tunnel.send(chunk, () => local.resume());
  });
  local.on("end", () => tunnel.send(NO_BYTES));
  local.on("close", () => {
    // Of a socket that is paused no close is read.
    tunnel.resume();
    tunnel.close(DONE);
  });
  await new Promise<void>((resolve, reject) => {
    tunnel.on("error", (cause) => reject(new CliError(`the tunnel broke: ${cause.message}`, { cause })));
    tunnel.on("close", (code, reason) => {
      if (code === DONE) resolve();
      else reject(new CliError(`the tunnel ended: ${reason.toString() || "it broke"} (${code})`));
    });
  });
}
