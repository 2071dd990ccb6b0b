import { isId, type properties } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import type { CountedTemplate, FleetTemplates } from "./fleet-templates.js";
import { TooManyFleetTemplates, UnknownFleetTemplate } from "./refusals.js";
import type { FoundDevice } from "./rows.js";

type Calls = ServiceImpl<typeof properties.PropertiesService>;

/** The methods on fleet templates of fieldlog.devices.v1.PropertiesService. */
export function fleetMethods(own: FleetTemplates) {
  return {
    setFleetTemplate: async ({ namespace, name, set, decidedBy }) => {
      const done = await own.set(idOf(namespace, name), set, decidedBy || "system");
      return { revision: done.revision, sequence: BigInt(done.sequence) };
    },
    listFleetTemplates: async ({ namespace, atLeast }) => {
      const found = await own.list(checked(namespace), Number(atLeast ?? 0));
      return { templates: found.map(toTemplate) };
    },
    getFleetTemplate: async ({ namespace, name, atLeast }) => {
      const { found, devices } = await own.get(idOf(namespace, name), Number(atLeast ?? 0));
      return { template: toTemplate(found), devices: devices.map(toDevice) };
    },
    listFleetDevices: async ({ namespace, name, atLeast, state, limit, after }) => {
      const asked = { state, limit, after, atLeast: Number(atLeast ?? 0) };
      const { devices, next } = await own.devices(idOf(namespace, name), asked);
      return { devices: devices.map(toDevice), next };
    },
    stopFleetTemplate: async ({ namespace, name, reason, decidedBy }) => {
      return { sequence: BigInt(await own.stop(idOf(namespace, name), reason, decidedBy || "system")) };
    },
    removeFleetTemplate: async ({ namespace, name, decidedBy }) => {
      return { sequence: BigInt(await own.remove(idOf(namespace, name), decidedBy || "system")) };
    },
  } satisfies Partial<Calls>;
}

/** Refusals in gRPC's codes; undefined: none of these. */
export function fleetRefusal(error: unknown): RpcError | undefined {
  if (error instanceof UnknownFleetTemplate) return new RpcError("not_found", error.message);
  if (error instanceof TooManyFleetTemplates) return new RpcError("resource_exhausted", error.message);
  return undefined;
}

function checked(namespace: string): string {
  if (!isId(namespace)) throw new InvalidField("namespace", "is no id");
  return namespace;
}

function idOf(namespace: string, id: string): { namespace: string; id: string } {
  if (!isId(id)) throw new UnknownFleetTemplate();
  return { namespace: checked(namespace), id };
}

function toTemplate({ id, template, counts }: CountedTemplate) {
  const { revision, wanted, phase, stoppedReason, setAt } = template;
  const { stopAfterFailures, ...set } = wanted;
  return {
    name: id,
    set: { ...set, revision, ...(stopAfterFailures === undefined ? {} : { stopAfterFailures }) },
    ...{ setAt: BigInt(setAt), stopped: phase === "stopped", stoppedReason },
    ...{ matching: BigInt(counts.matching), applied: BigInt(counts.applied) },
    ...{ acknowledged: BigInt(counts.acknowledged), failed: BigInt(counts.failed) },
  };
}

function toDevice({ device, state, error, changedAt }: FoundDevice) {
  return { device, state, error, changedAt: BigInt(changedAt ?? 0) };
}
