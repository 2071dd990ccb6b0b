import { isId, limits, type properties } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import { UnknownDevice } from "../decisions/refusals.js";
import type { DeviceProperties } from "./device-properties.js";
import type { PropertyKind } from "./json.js";
import { type Properties, StaleVersion, type Versioned } from "./properties.js";
import type { PropertyChangeRow } from "./tables.js";

type Calls = ServiceImpl<typeof properties.PropertiesService>;

/** The methods on one device's properties of fieldlog.devices.v1.PropertiesService. */
export function propertiesMethods(own: DeviceProperties) {
  const change =
    (kind: PropertyKind) =>
    async ({ namespace, device, ...asked }: properties.ChangePropertiesRequest) => {
      const { patchJson: json, replaces, expectedVersion, takenVersion } = asked;
      const expected = expectedVersion === undefined ? undefined : Number(expectedVersion);
      const taken = takenVersion === undefined ? undefined : Number(takenVersion);
      if (taken !== undefined && kind !== "reported") {
        throw new InvalidField("taken_version", "is said with reported properties");
      }
      const by = asked.decidedBy || (kind === "reported" ? `device:${device}` : "system");
      const done = await own.change(idOf(namespace, device), { kind, json, replaces, expected, taken }, by);
      return {
        ...{ now: toVersioned(done.now), sequence: BigInt(done.sequence) },
        ...{ changed: done.patch !== undefined, patchJson: JSON.stringify(done.patch ?? {}) },
      };
    };
  return {
    getProperties: async ({ namespace, device, asOf, at }) => {
      const id = idOf(namespace, device);
      const found =
        asOf === undefined && at === undefined
          ? await own.get(id)
          : await own.asOf(id, {
              ...(asOf === undefined ? {} : { sequence: Number(asOf) }),
              ...(at === undefined ? {} : { at: timeOf(at) }),
            });
      return { ...toProperties(found.properties), sequence: BigInt(found.sequence) };
    },
    changeDesired: change("desired"),
    changeReported: change("reported"),
    changeTags: change("tags"),
    listPropertyChanges: async ({ namespace, device, kind, limit, before }) => {
      if (limit < 1 || limit > limits.pageRows) {
        throw new InvalidField("limit", `is from 1 to ${limits.pageRows}`);
      }
      const last = before === undefined ? undefined : Number(before);
      const found = await own.changes({ ...idOf(namespace, device), kind, limit: limit + 1, before: last });
      const page = found.slice(0, limit);
      const next = found.length > limit ? page.at(-1)?.sequence : undefined;
      return { changes: page.map(toChange), ...(next === undefined ? {} : { next: BigInt(next) }) };
    },
  } satisfies Partial<Calls>;
}

/** Refusals in gRPC's codes; undefined: none of these. */
export function propertiesRefusal(error: unknown): RpcError | undefined {
  if (!(error instanceof StaleVersion)) return undefined;
  return new RpcError("aborted", error.message, { version: String(error.version) });
}

function idOf(namespace: string, id: string): { namespace: string; id: string } {
  if (!isId(namespace) || !isId(id)) throw new UnknownDevice();
  return { namespace, id };
}

/** Of what Postgres and RFC 3339 can write. */
function timeOf(ms: bigint): number {
  const time = Number(ms);
  if (time >= 0 && time < Date.UTC(10_000, 0)) return time;
  throw new InvalidField("at", "is no time from 1970 to 9999");
}

function toProperties({ desired, reported, tags, taken }: Properties) {
  const all = { desired: toVersioned(desired), reported: toVersioned(reported), tags: toVersioned(tags) };
  return { ...all, ...(taken === undefined ? {} : { takenVersion: BigInt(taken) }) };
}

function toVersioned({ value, version, changedAt }: Versioned) {
  const at = changedAt === undefined ? {} : { changedAt: BigInt(changedAt) };
  return { json: JSON.stringify(value), version: BigInt(version), ...at };
}

function toChange(row: PropertyChangeRow) {
  return {
    ...{ sequence: BigInt(row.sequence), kind: row.kind, version: BigInt(row.version) },
    ...{ patchJson: JSON.stringify(row.patch), replaces: false, changedAt: BigInt(row.changed_at.getTime()) },
    ...{ changedBy: row.changed_by, fleetTemplate: row.fleet_template },
  };
}
