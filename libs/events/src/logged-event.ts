import { fromBinary } from "@bufbuild/protobuf";
import { type Position, signals } from "@fieldlog/contracts";
import type { Matchable } from "@fieldlog/filters";
import { cloudEventJson, type EventData, isJson } from "./cloud-event.js";
import { readingsData } from "./readings-data.js";
import type { ReportedReadings, ReportedSignal } from "./reported.js";

/** A namespace as events tell it. */
export interface EventNamespace {
  readonly id: string;
  readonly name: string;
}

/** Of memory, for each byte of the encoded signal and for each event: what decoding and the JSON take. */
const BYTES_PER_BYTE = 6;
const BYTES_PER_EVENT = 1_024;
const NO_READINGS: readonly signals.Reading[] = [];

/** An event in the log. It is decoded when something of it is asked for, and written as JSON once. */
export class LoggedEvent implements Matchable {
  private decoded: signals.Signal | undefined;
  private written: Buffer | undefined;
  private parsed: { readonly value: unknown } | undefined;

  /** @param encoded a `Signal` with an event; kept */
  constructor(
    readonly position: Position,
    readonly namespace: EventNamespace,
    private readonly encoded: Uint8Array,
  ) {}

  /** Of memory, about. */
  get bytes(): number {
    return BYTES_PER_EVENT + this.encoded.length * BYTES_PER_BYTE;
  }

  get signal(): signals.Signal {
    this.decoded ??= fromBinary(signals.SignalSchema, this.encoded);
    return this.decoded;
  }

  get device(): string {
    return this.signal.device;
  }

  get name(): string {
    return this.event?.name ?? "";
  }

  get action(): string | undefined {
    return this.event?.action;
  }

  get value(): string | undefined {
    return this.event?.value;
  }

  get place(): string | undefined {
    return this.event?.place;
  }

  get latitude(): number | undefined {
    return this.signal.location?.latitude;
  }

  get longitude(): number | undefined {
    return this.signal.location?.longitude;
  }

  get sensorTypes(): readonly string[] {
    return this.readings.map(({ sensorType }) => sensorType);
  }

  /** `magnitude` (Euclidean norm of the first reading), `readings.<n>` (its nth value), `data.<path>` (`length` of arrays too). */
  field(name: string): number | string | undefined {
    const values = this.event?.reading?.values;
    if (name === "magnitude") return values && values.length > 0 ? Math.hypot(...values) : undefined;
    if (name.startsWith("readings.")) return values?.[Number(name.slice("readings.".length))];
    return name.startsWith("data.") ? this.dataField(name.slice("data.".length)) : undefined;
  }

  /** As a CloudEvents object. The same bytes for everybody; not to be changed. */
  json(): Buffer {
    this.written ??= Buffer.from(this.write());
    return this.written;
  }

  private get event(): signals.Event | undefined {
    const { body } = this.signal;
    return body.case === "event" ? body.value : undefined;
  }

  private get readings(): readonly signals.Reading[] {
    const { reading, otherReadings } = this.event ?? {};
    return reading === undefined ? (otherReadings ?? NO_READINGS) : [reading, ...(otherReadings ?? [])];
  }

  private write(): string {
    const { device, identity, occurredAt, receivedAt } = this.signal;
    const { position, name, action, value, place, event } = this;
    return cloudEventJson({
      ...{ position, device, identity, name, action, value, place, occurredAt, receivedAt },
      namespace: this.namespace.name,
      source: event?.source ?? "",
      attributes: event === undefined ? {} : attributesOf(event),
      data: this.data,
    });
  }

  private get data(): EventData | undefined {
    return this.event && dataOf(this.signal, this.event);
  }

  private dataField(path: string): number | string | undefined {
    const data = this.data;
    if (data === undefined || !("json" in data)) return undefined;
    this.parsed ??= { value: parsed(data.json) };
    let value = this.parsed.value;
    for (const step of path.split(".")) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
      value = (value as Record<string, unknown>)[step];
    }
    return typeof value === "number" || typeof value === "string" ? value : undefined;
  }
}

/** What has no part of its own in {@link cloudEventJson}. */
export function attributesOf({
  subject,
  dataSchema,
  extensions,
}: Pick<signals.Event, "subject" | "dataSchema"> & {
  readonly extensions: Readonly<Record<string, string>>;
}): Record<string, string> {
  return {
    ...(subject === "" ? {} : { subject }),
    ...(dataSchema === "" ? {} : { dataschema: dataSchema }),
    ...extensions,
  };
}

/** What was given as data, else what sensors measured; undefined: neither. */
export function dataOf(
  signal: ReportedSignal,
  event: ReportedReadings & Pick<signals.Event, "data" | "dataContentType">,
): EventData | undefined {
  const { data, dataContentType } = event;
  if (data.length > 0) {
    const contentType = dataContentType || "application/json";
    if (!isJson(contentType)) return { contentType, bytes: data };
    return { contentType, json: Buffer.from(data).toString() };
  }
  if (event.reading === undefined && event.otherReadings.length === 0) return undefined;
  return { contentType: "application/json", json: readingsData(signal, event) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
