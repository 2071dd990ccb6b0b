import { limits, type projections } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import {
  isDatabaseAway,
  listDeadLetters,
  type ReadDatabase,
  type ReadModelRunner,
  RequestFailed,
  RequestPending,
} from "@fieldlog/read-model";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import type { DeviceTables } from "./devices/definition.js";
import { type DeviceFound, findDevice, pageOfDevices } from "./devices/query.js";
import { type EventFound, pageOfEvents } from "./events/query.js";
import type { EventTables } from "./events/tables.js";
import { instant } from "./instant.js";

export type Tables = EventTables & DeviceTables;
/** What is asked of a read model, whatever it is made of. */
export type Runner = Pick<
  ReadModelRunner<never>,
  "name" | "waitFor" | "rebuild" | "retryDeadLetters" | "dropDeadLetters" | "status"
>;

export interface Served {
  readonly database: ReadDatabase<Tables>;
  readonly events: Runner;
  readonly devices: Runner;
}

/** fieldlog.projections.v1.ProjectionsService: requests to queries, rows to answers. */
export function projectionsService(served: Served): ServiceImpl<typeof projections.ProjectionsService> {
  const { database, events, devices } = served;
  const { db } = database;
  const runners = new Map([events, devices].map((runner) => [runner.name, runner]));
  const runnerOf = (name: string) => {
    const runner = runners.get(name);
    if (!runner) throw new RpcError("not_found", `there is no read model ${name}`, { name });
    return runner;
  };
  return {
    listEvents: async ({ atLeast, limit, ...asked }) => {
      checkLimit(limit);
      await reach(events, atLeast);
      const page = await pageOfEvents(db, {
        namespace: asked.namespace,
        limit,
        ...given("after", asked.after, Number),
        ...given("before", asked.before, Number),
        ...given("device", asked.device || undefined, String),
        ...given("type", asked.type || undefined, String),
        ...given("from", asked.from, dateOf),
        ...given("to", asked.to, dateOf),
      });
      return { events: page.events.map(toEvent), ...given("next", page.next, BigInt) };
    },
    listDevices: async ({ namespace, limit, after, atLeast }) => {
      checkLimit(limit);
      await reach(devices, atLeast);
      const page = await pageOfDevices(db, namespace, limit, after || undefined);
      return { devices: page.devices.map(toDevice), next: page.next ?? "" };
    },
    getDevice: async ({ namespace, device, atLeast }) => {
      await reach(devices, atLeast);
      const found = await findDevice(db, namespace, device);
      if (!found) throw new RpcError("not_found", "there is no such device", { device });
      return { device: toDevice(found) };
    },
    listReadModels: async () => {
      const statuses = await Promise.all([events, devices].map((runner) => runner.status()));
      return {
        readModels: statuses.map(
          ({ parked, sequence, logSequence, rebuildSequence, reason = "", ...rest }) => ({
            ...{ ...rest, reason, parkedDevices: parked },
            ...{ sequence: BigInt(sequence), logSequence: BigInt(logSequence) },
            ...given("rebuildSequence", rebuildSequence, BigInt),
          }),
        ),
      };
    },
    rebuildReadModel: async ({ name }) => {
      await runnerOf(name).rebuild();
      return {};
    },
    listDeadLetters: async ({ limit }) => {
      checkLimit(limit);
      const letters = await listDeadLetters(database, limit);
      return {
        deadLetters: letters.map(({ model, namespace, key, position, reason, parkedAt }) => ({
          ...{ readModel: model, namespace, device: key, reason },
          ...{ position: BigInt(position), parkedAt: millis(parkedAt) },
        })),
      };
    },
    retryDeadLetters: async ({ readModel, namespace, device }) => {
      const { done, remaining } = await runnerOf(readModel).retryDeadLetters({ namespace, key: device });
      return { applied: done, remaining };
    },
    dropDeadLetters: async ({ readModel, namespace, device }) => {
      const { done } = await runnerOf(readModel).dropDeadLetters({ namespace, key: device });
      return { dropped: done };
    },
  };
}

/** Failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof RequestPending) return new RpcError("deadline_exceeded", error.message);
  if (error instanceof RequestFailed) return new RpcError("failed_precondition", error.message);
  if (error instanceof LogUnavailable || isDatabaseAway(error)) {
    const message = error instanceof LogUnavailable ? error.message : "the database does not answer";
    return new RpcError("unavailable", message, { retryAfterS: "1" });
  }
  return undefined;
}

/** Lets the read model get there, for a bounded time; then the answer is what there is. */
async function reach(runner: Runner, sequence: bigint | undefined): Promise<void> {
  if (sequence !== undefined) await runner.waitFor(Number(sequence), limits.readYourWritesMs);
}

function checkLimit(limit: number): void {
  if (limit >= 1 && limit <= limits.pageRows) return;
  throw new RpcError("invalid_argument", `limit must be from 1 to ${limits.pageRows}`, { field: "limit" });
}

function given<K extends string, V, R>(
  name: K,
  value: V | undefined,
  convert: (value: V) => R,
): { [key in K]?: R } {
  return value === undefined ? {} : ({ [name]: convert(value) } as { [key in K]?: R });
}

function dateOf(ms: bigint): Date {
  return new Date(instant(ms));
}

const millis = (date: Date) => BigInt(date.getTime());

function toEvent({ position, occurred_at, received_at, data, ...event }: EventFound) {
  return {
    ...event,
    position: BigInt(position),
    occurredAt: millis(occurred_at),
    receivedAt: millis(received_at),
    dataJson: data,
  };
}

function toDevice(row: DeviceFound) {
  return {
    ...{ id: row.id, dialect: row.dialect, registeredAt: millis(row.registered_at) },
    ...{ metadataJson: row.metadata, sensorsJson: row.sensors, status: row.status ?? "" },
    ...given("lastSeenAt", row.last_seen_at ?? undefined, millis),
    eventCount: BigInt(row.event_count ?? 0),
  };
}
