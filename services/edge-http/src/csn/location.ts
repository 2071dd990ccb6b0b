import type { LocationDraft } from "@fieldlog/admission";
import { type Refusal, refusals } from "./refusal.js";
import { isWithin, locationSources } from "./words.js";

/** Where a message says the device is; undefined: it does not say. One coordinate needs the other. */
export function readLocation(
  latitude: number | undefined,
  longitude: number | undefined,
  source: number | undefined,
): LocationDraft | Refusal | undefined {
  if (latitude === undefined) return longitude === undefined ? undefined : refusals.missing("latitude");
  if (longitude === undefined) return refusals.missing("longitude");
  if (!isWithin(latitude, 90)) return refusals.invalid("Field latitude is out of range.");
  if (!isWithin(longitude, 180)) return refusals.invalid("Field longitude is out of range.");
  return {
    latitude,
    longitude,
    source: (source === undefined ? undefined : locationSources.word(source)) ?? "",
  };
}
