import { z } from "zod";
import { NAMESPACE, op } from "../operation.js";
import { component, NoQuery, time } from "../schemas.js";

const SigningSecret = component(
  "SigningSecret",
  z.object({
    secret: z.string().describe("whsec_ and base64, as Standard Webhooks has it"),
    previousUntil: time.optional().describe("Until when the one before is good as well"),
  }),
);

/** Devices that sign their requests. */
export const signingOperations = {
  issueSigningSecret: op({
    ...{ method: "post", path: `${NAMESPACE}/devices/{device}/signing-secret`, access: "writer" },
    ...{ status: 201, writes: true },
    summary:
      "Gives a device a secret to sign its requests with, this once; the one before stays good for a day",
    query: NoQuery,
    answer: SigningSecret,
  }),
} as const;
