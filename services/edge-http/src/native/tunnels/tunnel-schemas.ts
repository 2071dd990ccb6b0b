import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, time } from "../schemas.js";

// Tunnels to devices, as the native API gives them.

export const NewTunnel = component(
  "NewTunnel",
  z.strictObject({ port: z.int().min(1).max(65_535).describe("TCP, on the device's own 127.0.0.1") }),
);

export const Tunnel = component(
  "Tunnel",
  z.object({
    id: z.string(),
    webSocketUrl: z
      .string()
      .describe(
        `Binary messages are the connection's bytes. Good for whoever has it, once; the device is called when it is used. ` +
          `A refusal, and every end, is a close code with its reason; a tunnel lasts ${limits.tunnelMs / 3_600_000} h at most`,
      ),
    expires: time,
  }),
);
