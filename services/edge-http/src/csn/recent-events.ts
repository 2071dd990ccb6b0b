import type { MessageInitShape } from "@bufbuild/protobuf";
import type { projections, saf } from "@fieldlog/contracts";
import { boundsOf } from "@fieldlog/geocells";
import { formatDate } from "./dates.js";
import { sensorTypes } from "./words.js";

/**
 * Bits of the cell in which an event is told to be: some 10 km by 5 km at the equator. Nobody signs the query, so it
 * does not tell where somebody's sensor stands.
 */
export const CELL_BITS = 24;

type Answer = Omit<MessageInitShape<typeof saf.RecentEventResponseSchema>, "status" | "$typeName">;
type SensorEvent = MessageInitShape<typeof saf.RecentEventResponse_SensorEventSchema>;

/**
 * Picks as CSN tells them (A5), in the order in which they came. What another device published by that name, and CSN
 * has no words for, is left out; its position counts, so that nobody asks for it again.
 *
 * @param after what the query came after, which is the newest if there is none
 */
export function recentEvents(
  stored: readonly projections.StoredEvent[],
  after: bigint | undefined,
  bounds: boolean,
): Answer {
  const events = stored.flatMap(sensorEvent);
  const cells = [...new Set(events.map(({ geocell = "" }) => geocell))].filter((cell) => cell !== "");
  return {
    mostRecentEventId: stored.at(-1)?.position ?? after ?? 0n,
    events,
    ...(bounds ? { geocellsIncluded: cells, geocellBounds: cells.map(boxOf) } : {}),
  };
}

function sensorEvent({ dataJson, occurredAt, geocell }: projections.StoredEvent): SensorEvent[] {
  if (dataJson === "") return [];
  const { sensorType, readings } = (JSON.parse(dataJson) ?? {}) as {
    sensorType?: unknown;
    readings?: unknown;
  };
  const type = typeof sensorType === "string" ? sensorTypes.number(sensorType) : undefined;
  if (type === undefined || !Array.isArray(readings)) return [];
  if (!readings.every((value) => typeof value === "number")) return [];
  return [
    {
      sensorType: type,
      readings,
      date: formatDate(Number(occurredAt)),
      ...(geocell === "" ? {} : { geocell: geocell.slice(0, CELL_BITS) }),
    },
  ];
}

function boxOf(cell: string) {
  const { west, east, north, south } = boundsOf(cell);
  return { westLongitude: west, eastLongitude: east, northLatitude: north, southLatitude: south };
}
