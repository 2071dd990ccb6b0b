import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, time } from "../schemas.js";

// Models, as the native API shows them.

const version = z.int().positive().describe("Counts up from 1 in a namespace; none is used twice");

export const Model = component(
  "Model",
  z.object({
    version,
    name: z.string(),
    mediaType: z.string(),
    bytes: z.int(),
    sha256: z.string(),
    storedAt: time,
  }),
);
export const Models = component("Models", z.object({ models: z.array(Model).describe("The newest first") }));

export const NewModelQuery = z.strictObject({
  name: z.string().min(1).max(limits.textLength).describe("For people, and the name of its file"),
});
