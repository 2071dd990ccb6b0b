import { ofWorkspace } from "../operation.js";

/** Tunnels from operators to TCP ports of devices: section B6. */
export const remoteAccessOperations = {
  tunnelUri: ofWorkspace({
    ...{ name: "tunnelUri", method: "POST", needs: "admin" },
    path: "/devices/:device/remote-access/ports/:port/secure-uri",
    summary: "A WebSocket URI that opens one tunnel to a port of a device, for whoever has it",
    statuses: { 200: "It is good once, for a minute; {tunnelSecureUri}" },
  }),
} as const;
