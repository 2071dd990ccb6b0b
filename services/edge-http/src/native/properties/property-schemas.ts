import { z } from "zod";
import { component, count, limit, position, time } from "../schemas.js";

// What is wanted of devices, what they say of themselves, and their tags, as the native API takes and shows them.

const version = z.int().positive().describe("Of its own; 1: nobody has changed it yet");
const kind = z.enum(["desired", "reported", "tags"]);
const object = z.record(z.string(), z.unknown());

export const NewProperties = component(
  "NewProperties",
  object.describe(
    "Keys without . and $; texts of 4 KiB, 10 levels, 32 KiB together at most. In a patch null takes away (RFC 7396)",
  ),
);
export const VersionedProperties = component(
  "VersionedProperties",
  z.object({ value: object, version, changedAt: time.nullable() }),
);
export const Properties = component(
  "Properties",
  z.object({
    desired: VersionedProperties.describe("What is wanted of the device"),
    reported: VersionedProperties.describe("What it says of itself"),
    tags: VersionedProperties.describe("What operators know it by"),
    takenVersion: z
      .int()
      .nullable()
      .describe("Version of the desired ones that it has taken, as far as it says"),
  }),
);
export const PropertyChanges = component(
  "PropertyChanges",
  z.object({
    changes: z.array(
      z.object({
        position,
        kind,
        version,
        patch: object.describe("What differs from before, as a merge patch"),
        changedAt: time,
        changedBy: z.string(),
      }),
    ),
    next: z.int().nullable().describe("Give it as before, to go on; null: no more"),
  }),
);

export const PropertiesQuery = z.strictObject({
  asOf: count(0).optional().describe("As they were at this position of a decision"),
  at: time.optional().describe("As they were at this time"),
});
const expectedVersion = count(1)
  .optional()
  .describe("That the change is based on; if there is another one, it is refused with 409");
export const ChangeQuery = z.strictObject({ expectedVersion });
export const ReportQuery = z.strictObject({
  expectedVersion,
  takenVersion: count(1).optional().describe("Version of the desired ones that the device has taken"),
});
export const ChangesQuery = z.strictObject({
  limit,
  before: count(1).optional().describe("Only those before this position: the page before's next"),
  kind: kind.optional(),
});
