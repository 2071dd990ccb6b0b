import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component } from "../schemas.js";

/** In the order in which they are asked. */
export const SEALING_SERVICES = ["auth", "subscriptions", "offers", "sampling", "streams"] as const;

/** What is written `service:place`. */
const PLACE = new RegExp(`^(${SEALING_SERVICES.join("|")}):[^\\0]*$`);
/** Of a subscription, which names its namespace. */
const PLACE_LENGTH = 3 * limits.idLength;

export const Reseal = component(
  "Reseal",
  z.strictObject({
    check: z.boolean().default(false).describe("Only count; nothing is sealed anew"),
    after: z
      .string()
      .max(PLACE_LENGTH)
      .regex(PLACE, "must be the next of an answer")
      .optional()
      .describe("The answer before's next; absent: from the beginning"),
  }),
);

const keyId = z.string().describe("Tells keys apart, without telling the key");

export const Resealed = component(
  "Resealed",
  z.object({
    service: z.enum(SEALING_SERVICES),
    keyIds: z.array(keyId).describe("The service's keys; the first one seals, all open"),
    found: z
      .record(keyId, z.int().nonnegative())
      .describe("How many sealed boxes were looked at, by the key that had sealed them"),
    resealed: z.int().nonnegative(),
    next: z.string().nullable().describe("Give it as after, to go on; null: that was all"),
  }),
);
