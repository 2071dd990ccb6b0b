import { isNear } from "@fieldlog/filters";
import type { Asked, MadeRequest } from "./data-request.js";

/** What a device offers; times in ms since 1970 UTC. */
export interface OfferedData {
  readonly device: string;
  readonly sensor: string;
  readonly current: boolean;
  /** Of the request that it answers; 0: none. */
  readonly requestNumber: number;
  readonly start?: number;
  readonly end?: number;
  readonly latitude?: number;
  readonly longitude?: number;
}

/** An open request, by its id. */
export interface OpenRequest extends Pick<MadeRequest, "number" | "asked"> {
  readonly id: string;
}

/** The request that the offer answers, if there is one. */
export function answered(offer: OfferedData, open: readonly OpenRequest[]): OpenRequest | undefined {
  return open.find(({ number, asked }) => {
    if (offer.requestNumber !== 0 && offer.requestNumber !== number) return false;
    if (offer.requestNumber === 0 && !(offer.current && asked.current)) return false;
    return concerns(asked, offer) && overlaps(asked, offer);
  });
}

/** Whether that device and sensor are asked. Of a device whose place is not known, one who is asked by place may be it. */
function concerns(asked: Asked, { device, sensor, latitude, longitude }: OfferedData): boolean {
  if (asked.sensor !== "" && asked.sensor !== sensor) return false;
  if (asked.device !== "") return asked.device === device;
  if (latitude === undefined || longitude === undefined) return true;
  return isNear(asked.points, asked.withinM, latitude, longitude);
}

function overlaps({ start, end, current }: Asked, offer: OfferedData): boolean {
  if (current || start === undefined || end === undefined) return true;
  const { start: from = Number.NEGATIVE_INFINITY, end: to = Number.POSITIVE_INFINITY } = offer;
  return from < end && to > start;
}
