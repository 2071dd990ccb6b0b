import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, time } from "../schemas.js";

const text = z.string().max(limits.textLength);

const PropertyValue = z
  .union([text, z.number(), z.boolean(), z.null()])
  .describe(
    "null removes it. A number stays of the kind that it was; a new one without a fraction is an integer",
  );

const Properties = z
  .record(z.string().min(1).max(limits.textLength), PropertyValue)
  .refine((all) => Object.keys(all).length <= limits.propertiesPerDevice, {
    error: `has more than ${limits.propertiesPerDevice} keys`,
  });

/** What is absent stays as it is. */
export const DeviceChange = component(
  "DeviceChange",
  z
    .strictObject({
      name: text,
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
      locationSource: z.enum(["user-input", "cell", "gps", "wifi", "ip", "server-default"]),
      locationDescription: text,
      floor: text,
      building: text,
      mobility: z.enum(["standalone", "desktop", "laptop", "tablet", "phone", "other"]),
      softwareVersion: text,
      operatingSystem: text,
      uuid: text,
      legacyIdentifier: text,
      properties: Properties,
    })
    .partial(),
);

export const ChangedDevice = component(
  "ChangedDevice",
  z.object({ changed: z.boolean().describe("false: all was so already") }),
);

/** Reads and changes that one device's metadata, as a bearer token. */
export const EditToken = component(
  "EditToken",
  z.object({ token: z.string(), url: z.string().describe("Of the page"), expires: time }),
);
