/** The OpenAPI document's security schemes. */
export const schemes = {
  apiKey: { type: "http", scheme: "bearer", description: "An API key" },
  boardKey: {
    ...{ type: "apiKey", in: "header", name: "x-api-key" },
    description: "An API key, as the clients of boards show it",
  },
  signature: {
    ...{ type: "apiKey", in: "header", name: "webhook-signature" },
    description:
      "A device's, as Standard Webhooks 1.0 has it, with webhook-id and webhook-timestamp; and in fieldlog-device its id",
  },
  session: { type: "http", scheme: "bearer", description: "The token of a person who is logged in" },
  credSession: {
    ...{ type: "apiKey", in: "cookie", name: "sessionKey", description: "A cred client's session" },
  },
  provisioningToken: {
    ...{ type: "apiKey", in: "header", name: "authorization" },
    description: "DeviceToken <token with which devices come in>",
  },
  registrationToken: {
    ...{ type: "apiKey", in: "header", name: "authorization" },
    description: "DeviceToken <token that a device got when it came in>",
  },
  connectionToken: {
    ...{ type: "apiKey", in: "header", name: "authorization" },
    description: "The shared access signature of a device's connection string",
  },
} as const;

/**
 * What a caller shows. No scheme says it: "capability", what stands in the URL; "csnSignature", what stands in the body;
 * "editToken", a Bearer token for one device's metadata.
 */
export type Shows = keyof typeof schemes | "capability" | "csnSignature" | "editToken";

/**
 * Who may call an operation, as OpenAPI says it (`security`), and, in `x-access`, all of it: `by` lists what callers
 * may show (empty: nothing is asked for), `needs` what that must be good for.
 */
export function whoMay(by: readonly Shows[], needs?: string): { security: object[]; "x-access": object } {
  const known = by.filter((one) => one in schemes).map((one) => ({ [one]: [] }));
  const optional = known.length > 0 && by.includes("capability");
  return {
    security: optional ? [{}, ...known] : known,
    "x-access": { by, ...(needs === undefined ? {} : { needs }) },
  };
}
