import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, count, position } from "../schemas.js";

const property = z
  .string()
  .max(limits.textLength)
  .regex(/^[^$=][^=]*=/, "must be name=value, with a name that does not begin with $");

export const SendQuery = z.strictObject({
  property: z
    .union([property, z.array(property).max(limits.mqttUserProperties)])
    .optional()
    .describe(`name=value, as often as there are properties, ${limits.mqttUserProperties} at most`),
});
export const SentMessage = component(
  "SentMessage",
  z.object({ id: z.string().describe("The device is told it as $.mid"), position }),
);
export const CallQuery = z.strictObject({
  timeoutMs: count(1, limits.methodMs)
    .default(limits.methodMs)
    .describe(`Milliseconds that the device may take; default and most ${limits.methodMs}`),
});
export const MethodPayload = component("MethodPayload", z.unknown().describe("Any JSON; absent: null"));
export const MethodResult = component(
  "MethodResult",
  z.object({
    status: z.int().nonnegative().describe("As the device says it"),
    payload: z.unknown().describe("Any JSON"),
  }),
);
