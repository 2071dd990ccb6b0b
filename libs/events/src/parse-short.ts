import { limits } from "@fieldlog/contracts";
import * as check from "./fields.js";
import { InvalidEvent } from "./invalid-event.js";
import { NOTHING_SAID, type PublishedEvent, type PublishedReading } from "./published-event.js";
import { publishableName } from "./reserved.js";

/** The short form: an object with `name` and whatever else the event says. Raises InvalidEvent. */
export function parseShort(event: check.Fields): PublishedEvent {
  const { id, name, device, time, location, action, value, place, data, readings, ...others } = event;
  check.none(others);
  return {
    ...NOTHING_SAID,
    name: publishableName(check.requiredText(name, "name"), "name"),
    device: device === undefined ? undefined : check.requiredText(device, "device", limits.idLength),
    identity: id === undefined ? "" : check.requiredText(id, "id", limits.idLength),
    occurredAt: time === undefined ? undefined : check.timeOf(time, "time"),
    location: location === undefined ? undefined : check.locationOf(location, "location"),
    action: check.scalarOf(action, "action"),
    value: check.scalarOf(value, "value"),
    place: check.scalarOf(place, "place"),
    data: data === undefined ? undefined : check.jsonBytes(data, "data"),
    readings: readings === undefined ? [] : readingsOf(readings),
  };
}

/** `[1, 2, 3]` is one reading, `[{"sensor", "sensorType", "values"}, …]` are several. */
function readingsOf(given: unknown): PublishedReading[] {
  const list = check.arrayOf(given, "readings", limits.readingsPerEvent);
  if (list.length === 0) throw new InvalidEvent("readings", "must not be empty");
  if (typeof list[0] === "number")
    return [{ sensor: "", sensorType: "", values: valuesOf(list, "readings") }];
  return list.map((each, i) => readingOf(each, `readings[${i}]`));
}

function readingOf(given: unknown, field: string): PublishedReading {
  const { sensor, sensorType, values, ...others } = check.objectOf(given, field);
  check.none(others, `${field}.`);
  return {
    sensor: sensor === undefined ? "" : check.textOf(sensor, `${field}.sensor`, limits.idLength),
    sensorType: sensorType === undefined ? "" : check.textOf(sensorType, `${field}.sensorType`),
    values: valuesOf(values, `${field}.values`),
  };
}

function valuesOf(given: unknown, field: string): number[] {
  const list = check.arrayOf(given, field, limits.readingsPerEvent);
  return list.map((each, i) => check.numberIn(each, `${field}[${i}]`, -Number.MAX_VALUE, Number.MAX_VALUE));
}
