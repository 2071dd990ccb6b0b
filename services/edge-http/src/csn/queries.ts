import { isFieldSet } from "@bufbuild/protobuf";
import { limits, saf } from "@fieldlog/contracts";
import { type Refusal, refusals } from "./refusal.js";
import { decode } from "./wire.js";
import { sensorTypes } from "./words.js";

// The queries (A5), which nobody signs: their paths are ours.

/** Whether a name is still to be had. */
export function readNameQuery(bytes: Uint8Array): { name: string } | Refusal {
  const message = decode(saf.NameAvailableQuerySchema, bytes);
  if (message === undefined) return refusals.undecodable;
  return checkText(message.name, "name") ?? { name: message.name };
}

/** Who registered with a UUID. */
export function readUuidQuery(bytes: Uint8Array): { uuid: string } | Refusal {
  const message = decode(saf.ExistingUuidQuerySchema, bytes);
  if (message === undefined) return refusals.undecodable;
  return checkText(message.clientUuid, "client_uuid") ?? { uuid: message.clientUuid };
}

const legacyField = saf.ClientFromLegacyIdQuerySchema.field;

/** Who an older server knew by a key or by a number; the key if both are given. */
export function readLegacyQuery(bytes: Uint8Array): { identifier: string } | Refusal {
  const message = decode(saf.ClientFromLegacyIdQuerySchema, bytes);
  if (message === undefined) return refusals.undecodable;
  const { legacyClientKey: key, legacyClientId: id } = message;
  if (!isFieldSet(message, legacyField.legacyClientKey) && isFieldSet(message, legacyField.legacyClientId)) {
    return { identifier: String(id) };
  }
  return checkText(key, "legacy_client_key") ?? { identifier: key };
}

/** Which picks are asked for. */
export interface RecentEvents {
  readonly limit: number;
  /** Domain word; undefined: of any sensor. */
  readonly sensorType: string | undefined;
  /** Position that they come after; undefined: anywhere. */
  readonly after: bigint | undefined;
  /** The newest of them instead of the oldest. */
  readonly newest: boolean;
  /** With the bounds of the cells that they are in. */
  readonly bounds: boolean;
}

const recentField = saf.RecentEventQuerySchema.field;

/** Events that are asked for where the query does not say how many. */
const USUAL_LIMIT = 100;

/** The newest events unless it asks for those after one; at most {@link limits.pageRows}. */
export function readRecentQuery(bytes: Uint8Array): RecentEvents | Refusal {
  const message = decode(saf.RecentEventQuerySchema, bytes);
  if (message === undefined) return refusals.undecodable;
  const isAfter = isFieldSet(message, recentField.afterEventId);
  const { afterEventId: after } = message;
  if (isAfter && after > BigInt(Number.MAX_SAFE_INTEGER)) {
    return refusals.invalid("Field after_event_id is out of range.");
  }
  return {
    limit: Math.min(message.limit || USUAL_LIMIT, limits.pageRows),
    sensorType: isFieldSet(message, recentField.sensorType)
      ? sensorTypes.word(message.sensorType)
      : undefined,
    after: isAfter ? after : undefined,
    newest: isFieldSet(message, recentField.mostRecentEvents) ? message.mostRecentEvents : !isAfter,
    bounds: message.providePolygons,
  };
}

/** Nobody has a name, UUID or key that is empty or longer than one may be. */
function checkText(text: string, field: string): Refusal | undefined {
  if (text === "") return refusals.missing(field);
  if (text.length > limits.textLength) {
    return refusals.invalid(`Field ${field} is longer than ${limits.textLength} characters.`);
  }
  return text.includes("\0") ? refusals.invalid(`Field ${field} contains a NUL character.`) : undefined;
}
