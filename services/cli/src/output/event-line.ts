import type { Event } from "../api/answers.js";
import { clean, type Paint, time } from "./text.js";

const READINGS_SHOWN = 6;

const DATA_SHOWN = 80;

/** One event as one line: when, what, by which device, what it did or measured, and its position. */
export function eventLine(event: Event, paint: Paint): string {
  const fromSource = () => decodeURIComponentOr(event.source.slice(event.source.lastIndexOf("/") + 1));
  const device = event.device ?? fromSource();
  return [
    time(event.time).padEnd(20),
    paint("bold", clean(event.type, 40).padEnd(10)),
    clean(device, 40).padEnd(16),
    done(event),
    told(event),
    paint("dim", `#${clean(event.position)}`),
  ]
    .filter((part) => part !== "")
    .join("  ");
}

/** As its sender put it in words: "on 25 in the hall". */
function done({ action, value, place }: Event): string {
  const parts = [clean(action, 40), clean(value, 40), place === undefined ? "" : `in ${clean(place, 40)}`];
  return parts.filter((part) => part !== "").join(" ");
}

function told({ data, data_base64 }: Event): string {
  if (data_base64 !== undefined) return `base64 ${clean(data_base64, DATA_SHOWN)}`;
  if (typeof data !== "object" || data === null) return clean(data, DATA_SHOWN);
  const fields = data as Record<string, unknown>;
  return "sensor" in fields || "readings" in fields ? measured(fields) : clean(data, DATA_SHOWN);
}

function measured(data: Record<string, unknown>): string {
  const { sensor, sensorType, readings, location } = data;
  const what = [sensor === undefined ? "" : `sensor ${clean(sensor, 40)}`, clean(sensorType, 40)];
  const values = Array.isArray(readings) ? readings : [];
  const shown = values.slice(0, READINGS_SHOWN).map(significant);
  if (values.length > READINGS_SHOWN) shown.push("…");
  return [...what, shown.join(" "), place(location)].filter((part) => part !== "").join(" ");
}

function place(location: unknown): string {
  if (typeof location !== "object" || location === null) return "";
  const { latitude, longitude } = location as Record<string, unknown>;
  if (typeof latitude !== "number" || typeof longitude !== "number") return "";
  return `at ${latitude.toFixed(4)},${longitude.toFixed(4)}`;
}

function significant(value: unknown): string {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : clean(value, 20);
}

function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
