import { limits, type registry } from "@fieldlog/contracts";
import { type Decider, InvalidField, type Outcome } from "@fieldlog/decider";
import { RequestEnded, UnknownRequest } from "./refusals.js";

// Ids: a UUID. The number by which devices know a request is the sequence of its first decision.

// Events: DataRequested, DataRequestFulfilled, DataRequestExpired, DataRequestWithdrawn. Their names and fields are
// the storage format of the permanent log.

// State

/** What is asked for; times in ms since 1970 UTC. */
export interface Asked {
  /** Empty: by place. */
  readonly device: string;
  /** Empty: every sensor. */
  readonly sensor: string;
  /** Data from now on. */
  readonly current: boolean;
  readonly start?: number;
  readonly end?: number;
  readonly points: readonly { readonly latitude: number; readonly longitude: number }[];
  readonly withinM: number;
  readonly expiresAt: number;
  readonly note: string;
}

export type Ended = "fulfilled" | "expired" | "withdrawn";

export interface MadeRequest {
  readonly phase: "open" | Ended;
  readonly number: number;
  readonly asked: Asked;
  readonly createdAt: number;
  readonly endedAt?: number;
}

export type DataRequest = { readonly phase: "none" } | MadeRequest;

export const dataRequest: Decider<DataRequest> = {
  kind: "data-request",
  initial: { phase: "none" },
  evolve: (state, { event }, { sequence: number, decidedAt }) => {
    switch (event.case) {
      case "dataRequested":
        if (state.phase !== "none") return state;
        return { phase: "open", number, asked: askedOf(event.value), createdAt: decidedAt };
      case "dataRequestFulfilled":
        return ended(state, "fulfilled", decidedAt);
      case "dataRequestExpired":
        return ended(state, "expired", decidedAt);
      case "dataRequestWithdrawn":
        return ended(state, "withdrawn", decidedAt);
      default:
        return state;
    }
  },
};

function askedOf(event: registry.DataRequested): Asked {
  const { device, sensor, current, start, end, points, withinM, expiresAt, note } = event;
  return {
    ...{ device, sensor, current, withinM, note, expiresAt: Number(expiresAt) },
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(end === undefined ? {} : { end: Number(end) }),
    points: points.map(({ latitude, longitude }) => ({ latitude, longitude })),
  };
}

function ended(state: DataRequest, phase: Ended, endedAt: number): DataRequest {
  return state.phase === "open" ? { ...state, phase, endedAt } : state;
}

// Decisions

/** Refuses InvalidField. */
export function checkAsked(asked: Asked, now: number): void {
  const { device, sensor, current, start, end, points, withinM, expiresAt, note } = asked;
  const least = (field: string, holds: boolean, reason: string) => {
    if (!holds) throw new InvalidField(field, reason);
  };
  const isText = (text: string, longest: number) => text.length <= longest && !text.includes("\u0000");
  least("device", isText(device, limits.idLength), "is no id");
  least("sensor", isText(sensor, limits.idLength), "is no id");
  least("note", isText(note, limits.textLength), `has more than ${limits.textLength} characters`);
  least(
    "points",
    (device === "") === points.length > 0,
    "are given instead of a device, or a device instead of them",
  );
  least("sensor", sensor === "" || device !== "", "is given with its device");
  least("points", points.length <= limits.requestPoints, `are more than ${limits.requestPoints}`);
  for (const { latitude, longitude } of points) {
    least("points", Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180, "lie outside of the earth");
  }
  const isDistance = Number.isInteger(withinM) && withinM > 0 && withinM <= 20_040_000;
  least(
    "within_m",
    points.length === 0 ? withinM === 0 : isDistance,
    "is a whole number of meters, with points",
  );
  if (current) least("start", start === undefined && end === undefined, "and end are not given with current");
  else {
    least("start", start !== undefined && end !== undefined, "and end are given, or current");
    least("end", (end ?? 0) > (start ?? 0), "comes after start");
    least("end", (end ?? 0) - (start ?? 0) <= limits.dataRequestMs, "is too far from start");
  }
  least("expires_at", expiresAt > now, "lies in the past");
  least("expires_at", expiresAt - now <= limits.dataRequestMs, "is more than 366 days away");
}

/** Of one that exists: nothing. */
export function ask(asked: Asked): (state: DataRequest) => Outcome<undefined> {
  return (state) => {
    if (state.phase !== "none") return nothing;
    const { start, end, expiresAt, points, ...fields } = asked;
    const value = {
      ...fields,
      ...(start === undefined ? {} : { start: BigInt(start) }),
      ...(end === undefined ? {} : { end: BigInt(end) }),
      ...{ expiresAt: BigInt(expiresAt), points: [...points] },
    };
    return recorded({ case: "dataRequested", value });
  };
}

/** Asked twice, has no effect the second time. Refuses UnknownRequest, RequestEnded. */
export function withdraw(state: DataRequest): Outcome<undefined> {
  if (state.phase === "none") throw new UnknownRequest();
  if (state.phase === "withdrawn") return nothing;
  if (state.phase !== "open") throw new RequestEnded(state.phase);
  return recorded({ case: "dataRequestWithdrawn", value: {} });
}

/** An upload for it is stored. One that others may still answer, or that has ended, stays as it is. */
export function fulfil(upload: string): (state: DataRequest) => Outcome<undefined> {
  return (state) => {
    if (state.phase !== "open" || state.asked.device === "" || state.asked.current) return nothing;
    return recorded({ case: "dataRequestFulfilled", value: { upload } });
  };
}

/** Before its time: nothing. */
export function expire(now: number): (state: DataRequest) => Outcome<undefined> {
  return (state) => {
    if (state.phase !== "open" || state.asked.expiresAt > now) return nothing;
    return recorded({ case: "dataRequestExpired", value: {} });
  };
}

const nothing: Outcome<undefined> = { events: [], result: undefined };

function recorded(event: Outcome<undefined>["events"][number]["event"]): Outcome<undefined> {
  return { events: [event === undefined ? {} : { event }], result: undefined };
}
