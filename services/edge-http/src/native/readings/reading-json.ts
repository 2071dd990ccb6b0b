import type { offers } from "@fieldlog/contracts";
import { optionalTime, time } from "../json.js";

// gRPC's data requests and readings as the native API's JSON.

export function requestJson(request: offers.DataRequest) {
  const { id, state, asked, uploads } = request;
  if (asked === undefined) throw new Error("offers answered without what was asked");
  return {
    ...{ id, state, uploads, number: Number(request.number) },
    device: asked.device || null,
    sensor: asked.sensor || null,
    current: asked.current,
    start: optionalTime(asked.start),
    end: optionalTime(asked.end),
    points: asked.points.map(({ latitude, longitude }) => ({ latitude, longitude })),
    withinM: asked.points.length === 0 ? null : asked.withinM,
    expires: time(asked.expiresAt),
    note: asked.note,
    createdAt: time(request.createdAt),
    endedAt: optionalTime(request.endedAt),
  };
}

export function readingJson(reading: offers.Reading) {
  const { state, offered, stored } = reading;
  if (offered === undefined) throw new Error("offers answered without what was offered");
  const { device, sensor, sensorType, current, format, fileName, latitude, longitude } = offered;
  const isPlaced = latitude !== undefined && longitude !== undefined;
  return {
    ...{ number: Number(reading.number), state, device, sensor, sensorType, current, format, fileName },
    request: offered.requestNumber === 0n ? null : Number(offered.requestNumber),
    start: optionalTime(offered.start),
    end: optionalTime(offered.end),
    location: isPlaced ? { latitude, longitude } : null,
    offeredAt: time(reading.offeredAt),
    storedAt: optionalTime(reading.storedAt),
    bytes: stored === undefined ? null : Number(stored.bytes),
    sha256: stored === undefined ? null : Buffer.from(stored.sha256).toString("hex"),
    mediaType: stored?.mediaType ?? null,
  };
}
