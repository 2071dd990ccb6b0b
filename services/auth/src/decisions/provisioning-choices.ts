import { InvalidField } from "@fieldlog/decider";
import { type CreatedProvisioningToken, checkDeviceId, checkLifetime } from "./provisioning-token.js";

// What a device asks for, and what whoever approves it chooses, within what its provisioning token leaves open.

type Modes = Pick<
  CreatedProvisioningToken,
  "deviceIdMode" | "lifetimeMode" | "infiniteLifetime" | "registrationLifetimeS"
>;

/** Whether a device may ask for that id; empty: for none. Raises InvalidField. */
export function checkAskedId({ deviceIdMode }: Pick<Modes, "deviceIdMode">, asked: string): void {
  if (asked === "") {
    if (deviceIdMode === "device-only")
      throw new InvalidField("device_id", "is missing: the device chooses it");
    return;
  }
  if (deviceIdMode !== "either" && deviceIdMode !== "device" && deviceIdMode !== "device-only") {
    throw new InvalidField("device_id", "may not be chosen by the device with this provisioning token");
  }
  checkDeviceId(asked);
}

/**
 * The id that a device gets.
 *
 * @param asked by the device; empty: none
 * @param chosen by whoever approves; empty: none
 * @param made where nobody chose
 * @throws InvalidField
 */
export function resolveId(
  { deviceIdMode, deviceId = "" }: Pick<CreatedProvisioningToken, "deviceIdMode" | "deviceId">,
  { asked, chosen, made }: { readonly asked: string; readonly chosen: string; readonly made: string },
): string {
  if (chosen === "" && deviceIdMode === "technician-only") {
    throw new InvalidField("device_id", "is missing: whoever approves chooses it");
  }
  if (chosen === "" || chosen === asked) return asked || deviceId || made;
  if (deviceIdMode === "device" || deviceIdMode === "device-only" || deviceIdMode === "none") {
    throw new InvalidField("device_id", "may not be chosen with this provisioning token");
  }
  checkDeviceId(chosen);
  return chosen;
}

/**
 * Seconds that the device's registration tokens are good for; undefined: they do not expire.
 *
 * @param chosen by whoever approves; undefined: nothing; 0: that they do not expire
 * @throws InvalidField
 */
export function resolveLifetime(modes: Modes, chosen: number | undefined): number | undefined {
  const { lifetimeMode, infiniteLifetime, registrationLifetimeS: usual } = modes;
  const field = "registration_lifetime_s";
  if (chosen === undefined) {
    if (lifetimeMode === "enforced") throw new InvalidField(field, "is missing: whoever approves chooses it");
    return usual;
  }
  if (lifetimeMode === "disabled")
    throw new InvalidField(field, "may not be chosen with this provisioning token");
  if (chosen === 0) {
    if (usual === undefined || infiniteLifetime) return undefined;
    throw new InvalidField(field, "must not be 0: registration tokens expire");
  }
  checkLifetime(chosen);
  if (usual !== undefined && chosen > usual) throw new InvalidField(field, `must be at most ${usual}`);
  return chosen;
}
