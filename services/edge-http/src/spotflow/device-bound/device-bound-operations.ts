import { type Operation, ofWorkspace } from "../operation.js";

/** What operators send to devices: section B2. */
export const deviceBoundOperations = {
  sendMessage: ofWorkspace({
    ...{ name: "sendMessage", method: "POST", path: "/devices/:device/c2d-messages", needs: "write" },
    ...{ summary: "A message that waits until the device takes it", body: "bytes" },
    statuses: { 202: "It waits" },
  }),
  callMethod: ofWorkspace({
    ...{ name: "callMethod", method: "POST", path: "/devices/:device/methods/:method", needs: "write" },
    ...{ summary: "Asks a device that is connected", body: "bytes", statuses: { 200: "What it answered" } },
    refusals: { 502: "The device answered what is no JSON", 504: "The device did not answer" },
  }),
} as const satisfies Record<string, Operation>;
