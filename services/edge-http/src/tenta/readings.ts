import type { WrittenLog } from "@fieldlog/admission";
import { REGISTRY, SIGNALS } from "@fieldlog/contracts";
import { type Cursor, readConfiguration, readCursor, readFlag } from "./input.js";
import { askedBy, note, type TentaParts } from "./parts.js";
import type { Answer, TentaRequest } from "./request.js";
import { averagesJson, configurationText, logJson, logSummaryJson, measurementJson } from "./words.js";

/** A3.5: elements of a page. */
export const PAGE = 64;
/** A3.2: how far back hourly averages go. */
const AVERAGES_MS = 28 * 86_400_000;

/** What sensors report, and what they are told to do. */
export class Readings {
  constructor(private readonly parts: TentaParts) {}

  async createConfiguration(request: TentaRequest): Promise<Answer> {
    const valueJson = readConfiguration(request.body);
    const { user, network, sensor } = await this.parts.access.atSensor(request);
    const { revision, sequence } = await this.parts.devices.createConfiguration({
      ...{ namespace: network.id, device: sensor.id, valueJson, decidedBy: askedBy(user) },
    });
    note(this.parts, network.id, sequence);
    return { json: { revision }, sequence };
  }

  async listConfigurations(request: TentaRequest): Promise<Answer> {
    const { previous, at } = readCursor(request.query, "revision");
    const page = await this.pageOf(request, REGISTRY, previous);
    const { configurations } = await this.parts.projections.listConfigurations({
      ...page,
      ...(at === undefined ? {} : { revision: at }),
    });
    return { text: `[${configurations.map(configurationText).join(",")}]` };
  }

  async listMeasurements(request: TentaRequest): Promise<Answer> {
    const cursor = readCursor(request.query, "creation_timestamp");
    const { projections, now } = this.parts;
    if (readFlag(request.query, "aggregate")) {
      const { namespace, device, atLeast } = await this.pageOf(request, SIGNALS, false);
      const from = BigInt(now() - AVERAGES_MS);
      const { averages } = await projections.listHourlyAverages({ namespace, device, from, atLeast });
      return { json: averagesJson(averages) };
    }
    const page = await this.pageOf(request, SIGNALS, cursor.previous);
    const { measurements } = await projections.listMeasurements({ ...page, ...behind(cursor) });
    return { json: measurements.map(measurementJson) };
  }

  async listLogs(request: TentaRequest): Promise<Answer> {
    const cursor = readCursor(request.query, "creation_timestamp");
    const page = await this.pageOf(request, SIGNALS, cursor.previous);
    const { entries } = await this.parts.projections.listLogEntries({ ...page, ...behind(cursor) });
    return { json: entries.map(logJson) };
  }

  async summarizeLogs(request: TentaRequest): Promise<Answer> {
    const { namespace, device, atLeast } = await this.pageOf(request, SIGNALS, false);
    const { summaries } = await this.parts.projections.summarizeLogEntries({ namespace, device, atLeast });
    return { json: summaries.map(logSummaryJson) };
  }

  /** What every query of a sensor's has in common, once it is certain that it may be asked. */
  private async pageOf(request: TentaRequest, log: WrittenLog, previous: boolean) {
    const { network, sensor } = await this.parts.access.atSensor(request);
    const atLeast = BigInt(this.parts.ownWrites.of(network.id, log));
    return { namespace: network.id, device: sensor.id, previous, limit: PAGE, atLeast };
  }
}

function behind({ at }: Cursor): { occurredAt?: number } {
  return at === undefined ? {} : { occurredAt: at };
}
