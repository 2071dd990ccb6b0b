import type { MessageInitShape } from "@bufbuild/protobuf";
import type { provisioning, registry } from "@fieldlog/contracts";
import { z } from "zod";
import { optionalTime, time } from "../../native/json.js";
import { remaining } from "./connection-string.js";

// Provisioning tokens and operations as the dialect's operators write and read them (section B2).

/** The dialect's words for who decides a device's id. */
const DEVICE_ID_MODES = {
  DeviceAndTechnicianAllow: "either",
  DeviceAllow: "device",
  DeviceEnforce: "device-only",
  TechnicianAllow: "technician",
  TechnicianEnforce: "technician-only",
  Disable: "none",
} as const;
const LIFETIME_MODES = { Disabled: "disabled", Allowed: "allowed", Enforce: "enforced" } as const;

const keys = <T extends object>(of: T) => Object.keys(of) as [keyof T & string, ...(keyof T & string)[]];

/** `[d.]hh:mm:ss` */
export const duration = z
  .string()
  .regex(/^(\d{1,5}\.)?\d{2}:\d{2}:\d{2}$/, "must be [d.]hh:mm:ss")
  .transform((text) => {
    const [clock = "", days = "0"] = text.split(".").reverse();
    const [hours = 0, minutes = 0, seconds = 0] = clock.split(":").map(Number);
    return ((Number(days) * 24 + hours) * 60 + minutes) * 60 + seconds;
  });

export const NewToken = z.object({
  displayName: z.string().min(1).max(200).default("made by an operator"),
  deviceId: z.string().max(128).nullish(),
  maxRegistrationTokenLifetime: duration.nullish(),
  registrationTokenLifetimeOverrideMode: z.enum(keys(LIFETIME_MODES)).default("Disabled"),
  deviceIdOverrideMode: z.enum(keys(DEVICE_ID_MODES)).default("DeviceAndTechnicianAllow"),
  allowInfiniteRegistrationTokenLifetime: z.boolean().default(false),
});

export function newToken(
  asked: z.output<typeof NewToken>,
): MessageInitShape<typeof registry.ProvisioningTokenCreatedSchema> {
  const { maxRegistrationTokenLifetime: lifetime } = asked;
  return {
    name: asked.displayName,
    deviceId: asked.deviceId ?? "",
    ...(lifetime === undefined || lifetime === null ? {} : { registrationLifetimeS: lifetime }),
    lifetimeMode: LIFETIME_MODES[asked.registrationTokenLifetimeOverrideMode],
    deviceIdMode: DEVICE_ID_MODES[asked.deviceIdOverrideMode],
    infiniteLifetime: asked.allowInfiniteRegistrationTokenLifetime,
  };
}

/** Without the token itself. */
export function tokenJson(token: provisioning.ProvisioningToken | undefined) {
  if (token?.created === undefined) throw new Error("auth answered without a provisioning token");
  const { id, created, createdAt, enabled } = token;
  const { registrationLifetimeS: lifetime } = created;
  return {
    ...{ provisioningTokenId: id, displayName: created.name, issuedTime: time(createdAt) },
    expirationTime: optionalTime(created.expiresAt),
    ...{ deviceId: created.deviceId || null, isDisabled: !enabled },
    maxRegistrationTokenLifetime: lifetime === undefined ? null : remaining(lifetime * 1_000),
    registrationTokenLifetimeOverrideMode: nameOf(LIFETIME_MODES, created.lifetimeMode),
    deviceIdOverrideMode: nameOf(DEVICE_ID_MODES, created.deviceIdMode),
    allowInfiniteRegistrationTokenLifetime: created.infiniteLifetime,
  };
}

export function operationJson(operation: provisioning.ProvisioningOperation | undefined) {
  if (operation?.begun === undefined) throw new Error("auth answered without an operation");
  const { id, begun, begunAt, state, deviceId } = operation;
  return {
    ...{ provisioningOperationId: id, verificationCode: begun.verificationCode, state },
    deviceId: deviceId || begun.deviceId || null,
    issuedTime: time(begunAt),
    expirationTime: time(begun.expiresAt),
    ipAddress: begun.address,
    attributes: begun.attributes,
  };
}

function nameOf(names: Readonly<Record<string, string>>, value: string): string {
  return Object.entries(names).find(([, ours]) => ours === value)?.[0] ?? value;
}
