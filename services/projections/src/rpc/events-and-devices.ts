import type { projections } from "@fieldlog/contracts";
import { geocellText } from "@fieldlog/geocells";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import { type DeviceFound, findDevice, newestDevices, pageOfDevices } from "../devices/query.js";
import { countEvents } from "../events/counts.js";
import { type EventFound, type EventsAsked, newestEvents, pageOfEvents } from "../events/query.js";
import { countsAsked, toCount } from "./counts.js";
import { checkLimit, dateOf, given, millis, reach, type Served } from "./requests.js";

type Answers = Pick<
  ServiceImpl<typeof projections.ProjectionsService>,
  "listEvents" | "countEvents" | "listDevices" | "getDevice"
>;

export function eventsAndDevices({ database, runners }: Served): Answers {
  const { db } = database;
  const { events, devices } = runners;
  return {
    listEvents: async ({ atLeast, limit, ...asked }) => {
      checkLimit(limit);
      await reach(atLeast, events);
      const wanted: EventsAsked = {
        namespace: asked.namespace,
        limit,
        ...given("after", asked.after, Number),
        ...given("before", asked.before, Number),
        ...given("device", asked.device || undefined, String),
        ...given("type", asked.type || undefined, String),
        ...given("from", asked.from, dateOf),
        ...given("to", asked.to, dateOf),
        ...given("sensorType", asked.sensorType || undefined, String),
        ...given("issuer", asked.issuer || undefined, String),
        reported: asked.reported,
        ...(asked.anyOf.length === 0 ? {} : { anyOf: asked.anyOf }),
      };
      if (asked.newest) {
        const found = await newestEvents(database, { ...wanted, offset: asked.offset });
        return { events: found.map(toEvent) };
      }
      const page = await pageOfEvents(database, wanted);
      return { events: page.events.map(toEvent), ...given("next", page.next, BigInt) };
    },
    countEvents: async ({ atLeast, ...asked }) => {
      const wanted = countsAsked(asked);
      await reach(atLeast, events);
      const { counts, next = "" } = await countEvents(database, wanted);
      return { counts: counts.map(toCount), next };
    },
    listDevices: async ({ namespace, limit, after, atLeast, seenAtLeast, ...asked }) => {
      checkLimit(limit);
      await Promise.all([reach(atLeast, devices), reach(seenAtLeast, events)]);
      const wanted = {
        ...given("dialect", asked.dialect || undefined, String),
        ...given("name", asked.name, String),
        ...given("uuid", asked.uuid, String),
        ...given("legacyIdentifier", asked.legacyIdentifier, String),
      };
      if (asked.newest) {
        const found = await newestDevices(db, {
          ...{ namespace, limit, offset: asked.offset, ...wanted },
          ...given("after", asked.numberAfter, Number),
          ...given("before", asked.numberBefore, Number),
          ...given("number", asked.number, Number),
          ...given("seenSince", asked.seenSince, dateOf),
        });
        return { devices: found.map(toDevice), next: "" };
      }
      const page = await pageOfDevices(db, namespace, limit, after || undefined, wanted);
      return { devices: page.devices.map(toDevice), next: page.next ?? "" };
    },
    getDevice: async ({ namespace, device, atLeast }) => {
      await reach(atLeast, devices);
      const found = await findDevice(db, namespace, device);
      if (!found) throw new RpcError("not_found", "there is no such device", { device });
      return { device: toDevice(found) };
    },
  };
}

function toEvent(found: EventFound) {
  const { position, occurred_at, received_at, data, attributes, data_bytes, ...event } = found;
  const { action, value, place, identity, contributing, geocell, ...always } = event;
  return {
    ...always,
    identity: identity ?? "",
    ...given("action", action ?? undefined, String),
    ...given("value", value ?? undefined, String),
    ...given("place", place ?? undefined, String),
    ...given("contributing", contributing, Boolean),
    geocell: geocell === null ? "" : geocellText(geocell),
    attributesJson: attributes ?? "",
    data: data_bytes ?? new Uint8Array(),
    position: BigInt(position),
    occurredAt: millis(occurred_at),
    receivedAt: millis(received_at),
    dataJson: data ?? "",
  };
}

function toDevice(row: DeviceFound) {
  return {
    ...{ id: row.id, dialect: row.dialect, registeredAt: millis(row.registered_at) },
    ...{ metadataJson: row.metadata, sensorsJson: row.sensors, status: row.status ?? "" },
    ...given("lastSeenAt", row.last_seen_at ?? undefined, millis),
    eventCount: BigInt(row.event_count ?? 0),
    number: BigInt(row.number),
  };
}
