import type { MessageInitShape } from "@bufbuild/protobuf";
import type { devices, registry } from "@fieldlog/contracts";
import type { z } from "zod";
import type { DeviceChange } from "./editing-schemas.js";

type Value = MessageInitShape<typeof registry.PropertyValueSchema>;
type Change = Pick<
  MessageInitShape<typeof devices.UpdateDeviceRequestSchema>,
  "metadata" | "unsetProperties"
>;

/**
 * A change as it is asked of devices.
 *
 * @param now what the device's properties are: JSON has one kind of number, so a property keeps the one that it has
 */
export function toUpdate(
  { properties = {}, ...fields }: z.output<typeof DeviceChange>,
  now: Readonly<Record<string, registry.PropertyValue>>,
): Change {
  const set: Record<string, Value> = {};
  const unsetProperties: string[] = [];
  for (const [key, value] of Object.entries(properties)) {
    if (value === null) unsetProperties.push(key);
    else set[key] = toProperty(value, Object.hasOwn(now, key) ? now[key] : undefined);
  }
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return { metadata: { ...given, properties: set }, unsetProperties };
}

function toProperty(value: string | number | boolean, now: registry.PropertyValue | undefined): Value {
  if (typeof value === "string") {
    // As it was shown: JSON cannot hold integers of that size.
    const isLarge = now?.value.case === "integer" && String(now.value.value) === value;
    return isLarge ? { value: now.value } : { value: { case: "text", value } };
  }
  if (typeof value === "boolean") return { value: { case: "flag", value } };
  const isInteger = Number.isSafeInteger(value) && now?.value.case !== "number";
  return isInteger
    ? { value: { case: "integer", value: BigInt(value) } }
    : { value: { case: "number", value } };
}
