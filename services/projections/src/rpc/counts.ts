import type { projections } from "@fieldlog/contracts";
import { GEOCELL_BITS, isGeocell } from "@fieldlog/geocells";
import { RpcError } from "@fieldlog/rpc";
import type { Counted, CountsAsked } from "../events/counts.js";
import { checkLimit, dateOf, given } from "./requests.js";

/** Raises RpcError invalid_argument with the field. */
export function countsAsked(
  asked: Omit<projections.CountEventsRequest, "atLeast" | "$typeName">,
): CountsAsked {
  const { namespace, limit, within, contributing } = asked;
  checkLimit(limit);
  if (!isGeocell(within)) throw wrong("within", "must be a geocell: up to 48 of 0 and 1");
  return {
    ...{ namespace, limit, contributing, ...by(asked) },
    ...given("from", asked.from, dateOf),
    ...given("to", asked.to, dateOf),
    ...given("type", asked.type || undefined, String),
    ...given("device", asked.device || undefined, String),
    ...given("within", within || undefined, String),
    ...given("after", asked.after || undefined, String),
  };
}

function by({
  by,
  resolution,
}: Pick<projections.CountEventsRequest, "by" | "resolution">): Pick<CountsAsked, "by"> {
  if (by === "") return {};
  if (by === "sensor") return { by: { sensor: true } };
  if (by !== "geocell") throw wrong("by", "must be sensor or geocell");
  if (resolution < 1 || resolution > GEOCELL_BITS) {
    throw wrong("resolution", `must be from 1 to ${GEOCELL_BITS} bits`);
  }
  return { by: { geocell: resolution } };
}

export function toCount({ key, events, mobile_devices, static_devices, reported }: Counted) {
  return {
    ...{ key, events: BigInt(events), mobileDevices: mobile_devices, staticDevices: static_devices },
    ...(reported === null ? {} : { reportedEvents: reported.eventCount, reportedWindowS: reported.windowS }),
  };
}

function wrong(field: string, detail: string): RpcError {
  return new RpcError("invalid_argument", `${field} ${detail}`, { field });
}
