import { limits, type registry } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { LONGEST_OWN_NAME } from "./device-name.js";

/*
 * What a device may say about itself. Each function raises InvalidField, naming the field as the request
 * does. Bounds are those of `limits`; U+0000 is refused because Postgres cannot hold it in a text.
 */

export function checkMetadata(metadata: registry.DeviceMetadata, at = "metadata"): void {
  checkDegrees(metadata.latitude, 90, `${at}.latitude`);
  checkDegrees(metadata.longitude, 180, `${at}.longitude`);
  checkTexts(metadata, at);
  for (const [key, property] of Object.entries(metadata.properties)) {
    checkText(key, `a key of ${at}.properties`, 1);
    const { value } = property;
    const field = `${at}.properties[${JSON.stringify(key)}]`;
    if (value.case === undefined) throw new InvalidField(field, "has no value");
    if (value.case === "text") checkText(value.value, field);
    if (value.case === "number" && !Number.isFinite(value.value)) {
      throw new InvalidField(field, "is not a finite number");
    }
  }
}

export function checkDetails(details: registry.SensorDetails | undefined, field: string): void {
  if (!details) return;
  checkTexts(details, field);
  const { frequencies = [], maxSampleLengthS = 0 } = details;
  checkCount(frequencies, limits.remoteFrequencies, `${field}.frequencies`);
  for (const number of [...frequencies, maxSampleLengthS]) {
    if (!Number.isFinite(number)) throw new InvalidField(field, "has a number that is not finite");
  }
}

/** Refuses a text that is too long, or shorter than `least` characters. */
export function checkText(text: string, field: string, least = 0): void {
  if (text.length < least) throw new InvalidField(field, "is missing");
  if (text.length > limits.textLength) {
    throw new InvalidField(field, `has more than ${limits.textLength} characters`);
  }
  if (text.includes("\u0000")) throw new InvalidField(field, "contains U+0000");
}

const NAME = /^[a-z0-9](-?[a-z0-9])*$/;

/** A name that a device has for itself: 1 to 64 of a to z, 0 to 9 and single hyphens between. */
export function checkName(name: string, field: string): void {
  if (name.length === 0) throw new InvalidField(field, "is missing");
  if (name.length > 64) throw new InvalidField(field, "has more than 64 characters");
  if (!NAME.test(name)) throw new InvalidField(field, "is not of a to z, 0 to 9 and single hyphens between");
}

/** A name that no other device of the namespace may have, in the dialects whose names are any text. */
export function checkOwnName(name: string, field: string): void {
  if (name.length === 0) throw new InvalidField(field, "is missing");
  if (name.length > LONGEST_OWN_NAME) {
    throw new InvalidField(field, `has more than ${LONGEST_OWN_NAME} characters`);
  }
}

export function checkCount(things: readonly unknown[], limit: number, field: string): void {
  if (things.length > limit) throw new InvalidField(field, `are ${things.length}, more than ${limit}`);
}

function checkDegrees(degrees: number | undefined, limit: number, field: string): void {
  if (degrees === undefined || Math.abs(degrees) <= limit) return;
  throw new InvalidField(field, `is not within -${limit} and ${limit} degrees`);
}

/** Every text among the message's own fields. */
function checkTexts(message: object, at: string): void {
  for (const [name, value] of Object.entries(message)) {
    if (typeof value === "string" && !name.startsWith("$")) checkText(value, `${at}.${snakeCase(name)}`);
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
