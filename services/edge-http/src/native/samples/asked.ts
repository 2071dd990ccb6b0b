import type { MessageInitShape } from "@bufbuild/protobuf";
import type { registry, sampling } from "@fieldlog/contracts";
import type { z } from "zod";
import { Problem } from "../problem.js";
import { metadataIn, type SampleChange, type SampleFilterQuery } from "./sample-schemas.js";

// What is asked, as the service sampling takes it.

export type Filter = MessageInitShape<typeof sampling.SampleFilterSchema>;

export function filterOf(query: z.output<typeof SampleFilterQuery>): Filter {
  const { category = "", label, device = "", sensor = "", signature = "", from, to } = query;
  const { fileName = "", enabled, sampling = "", sha256 } = query;
  return {
    ...{ category, device, sensor, signature, fileName, sampling, metadata: metadataIn(query) },
    ...(label === undefined ? {} : { label }),
    ...(from === undefined ? {} : { from: BigInt(Date.parse(from)) }),
    ...(to === undefined ? {} : { to: BigInt(Date.parse(to)) }),
    ...(enabled === undefined ? {} : { enabled: enabled === "true" }),
    ...(sha256 === undefined ? {} : { sha256: Buffer.from(sha256, "hex") }),
  };
}

export function changeOf(
  body: z.output<typeof SampleChange>,
): MessageInitShape<typeof registry.SampleChangedSchema> {
  const { label, category, fileName, enabled, metadata = {} } = body;
  const entries = Object.entries(metadata);
  return {
    ...(label === undefined ? {} : { label: label ?? "" }),
    ...(category === undefined ? {} : { category }),
    ...(fileName === undefined ? {} : { fileName }),
    ...(enabled === undefined ? {} : { enabled }),
    metadata: Object.fromEntries(
      entries.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])),
    ),
    unsetMetadata: entries.filter(([, value]) => value === null).map(([key]) => key),
  };
}

const NUMBER = /^[1-9]\d{0,15}$/;

/** Raises Problem 404. */
export function sampleNumber(text: string): bigint {
  if (!NUMBER.test(text)) throw new Problem(404, "There is no such sample.");
  return BigInt(text);
}
