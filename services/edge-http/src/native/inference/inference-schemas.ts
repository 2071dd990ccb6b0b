import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component } from "../schemas.js";

// What devices' models have seen, as the native API asks for it.

const index = z.int().nonnegative();

export const NewRecordRequest = component(
  "NewRecordRequest",
  z
    .strictObject({
      index: index.optional(),
      range: z.strictObject({ first: index, last: index }).optional(),
      list: z.array(index).min(1).max(limits.inferenceRecords).optional(),
    })
    .refine((body) => Object.keys(body).length === 1, "must have one of index, range, list")
    .refine(
      ({ range }) =>
        range === undefined || (range.first <= range.last && sizeOf(range) <= limits.inferenceRecords),
      { path: ["range"], message: `must be in order, and of at most ${limits.inferenceRecords} records` },
    )
    .describe("Which records a device is asked for: one, those of a range, or several"),
);

function sizeOf({ first, last }: { readonly first: number; readonly last: number }): number {
  return last - first + 1;
}

export const NewModelUpdate = component(
  "NewModelUpdate",
  z.strictObject({
    deploymentVersion: z
      .union([z.literal("latest"), z.int().min(1).max(4_294_967_295)])
      .default("latest")
      .describe("Of the namespace's models"),
  }),
);
