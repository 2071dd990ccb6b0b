import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, count, limit, time } from "../schemas.js";

// Provisioning, as the native API takes and shows it.

const text = z.string().max(limits.textLength);
const lifetime = z.int().min(60).max(0xffff_ffff);
const deviceIdMode = z
  .enum(["either", "device", "device-only", "technician", "technician-only", "none"])
  .describe("Who chooses the id; -only: has to. Where nobody does it is that of the token, else a UUID");
const lifetimeMode = z
  .enum(["disabled", "allowed", "enforced"])
  .describe("Whether whoever approves a device may, or has to, choose how long its tokens are good for");

export const NewProvisioningToken = component(
  "NewProvisioningToken",
  z.strictObject({
    name: text.min(1),
    expires: z.iso.datetime({ offset: true }).optional(),
    registrations: z.int().min(1).max(0xffff_ffff).optional().describe("Devices that may come in with it"),
    registrationLifetimeS: lifetime
      .optional()
      .describe("Of what devices get, and the most that may be chosen; absent: it does not expire"),
    deviceIdMode: deviceIdMode.default("either"),
    device: z
      .string()
      .max(limits.idLength)
      .optional()
      .describe("Id that a device gets where nobody chooses one"),
    lifetimeMode: lifetimeMode.default("disabled"),
    infiniteLifetime: z.boolean().default(false).describe("It may be chosen that it does not expire"),
    approved: z.boolean().default(false).describe("Devices that come with it need nobody's approval"),
  }),
);

const shown = {
  id: z.string(),
  name: z.string(),
  enabled: z.boolean(),
  createdAt: time,
  expiresAt: time.nullable(),
  registrations: z.int().describe("Devices that came in with it and are not revoked"),
  mostRegistrations: z.int().nullable(),
  registrationLifetimeS: z.int().nullable(),
  deviceIdMode,
  device: z.string().nullable(),
  lifetimeMode,
  infiniteLifetime: z.boolean(),
  approved: z.boolean(),
};
export const ProvisioningToken = component("ProvisioningToken", z.object(shown));
export const CreatedProvisioningToken = component(
  "CreatedProvisioningToken",
  z.object({ ...shown, token: z.string().describe("Shown this once") }),
);
export const ProvisioningTokens = component(
  "ProvisioningTokens",
  z.object({ tokens: z.array(ProvisioningToken) }),
);

const state = z.enum(["pending", "approved", "completed", "cancelled", "expired"]);

export const ProvisioningOperation = component(
  "ProvisioningOperation",
  z.object({
    number: z.int().positive().describe("Strictly increasing within the installation"),
    id: z.string(),
    verificationCode: z.string(),
    state,
    device: z.string().nullable().describe("Id that it was approved with"),
    askedDevice: z.string().nullable().describe("Id that the device asks for"),
    provisioningToken: z.string().describe("Id of that with which it came"),
    address: z.string(),
    attributes: z.record(z.string(), z.string()).describe("What the device says of itself"),
    begunAt: time,
    expiresAt: time,
    endedAt: time.nullable(),
  }),
);
export const ProvisioningOperationsQuery = z.strictObject({
  state: state.optional(),
  limit,
  before: count(1).optional().describe("Only those with a lower number"),
});
export const ProvisioningOperations = component(
  "ProvisioningOperations",
  z.object({
    operations: z.array(ProvisioningOperation),
    next: z.int().nullable().describe("Give it as before, to go on; null: no more"),
  }),
);
export const ProvisioningApproval = component(
  "ProvisioningApproval",
  z.strictObject({
    device: z.string().max(limits.idLength).optional().describe("Its id; absent: that it asks for"),
    registrationLifetimeS: z
      .union([z.literal(0), lifetime])
      .optional()
      .describe("0: it does not expire; absent: as the provisioning token has it"),
  }),
);

export const NamespaceDisabling = component(
  "NamespaceDisabling",
  z.strictObject({ reason: text.default("") }),
);
