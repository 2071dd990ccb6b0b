import { rpcFailure } from "@fieldlog/aggregates";
import { type devices, isId } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import {
  IdTaken,
  NameTaken,
  TooManyConfigurations,
  TooManyDevices,
  UnknownDevice,
  UnknownSensor,
  UnknownToken,
} from "./decisions/refusals.js";
import type { Configurations } from "./service/configurations.js";
import type { Devices, FoundDevice } from "./service/devices.js";
import type { EditTokens } from "./service/edit-tokens.js";
import { type ErasingParts, erase } from "./service/erase.js";

/** fieldlog.devices.v1.DevicesService: requests to calls, results to answers. */
export function devicesService(
  own: Devices,
  configurations: Configurations,
  editTokens: EditTokens,
  erasing: ErasingParts,
): ServiceImpl<typeof devices.DevicesService> {
  return {
    registerDevice: async ({ namespace, dialect, metadata, sensors }) => {
      checkNamespace(namespace);
      return { device: toDevice(await own.register(namespace, { dialect, metadata, sensors })) };
    },
    ensureDevice: async ({ namespace, device, dialect, metadata, sensors }) => {
      checkNamespace(namespace);
      if (!isId(device)) throw new InvalidField("device", "is no id");
      const ensured = await own.ensure(namespace, device, { dialect, metadata, sensors });
      return { device: toDevice(ensured.device), changed: ensured.changed };
    },
    updateDevice: async ({ namespace, device, decidedBy, ...asked }) => {
      checkIds(namespace, device);
      const updated = await own.update(namespace, device, asked, decidedBy || `device:${device}`);
      const { changed, newSensorIds } = updated;
      return { device: toDevice(updated.device), newSensorIds: [...newSensorIds], changed };
    },
    getDevice: async ({ namespace, device }) => {
      checkIds(namespace, device);
      return { device: toDevice(await own.get(namespace, device)) };
    },
    createDevice: async ({ namespace, dialect, name, decidedBy }) => {
      checkNamespace(namespace);
      return { device: toDevice(await own.create(namespace, dialect, name, decidedBy || "system")) };
    },
    renameDevice: async ({ namespace, device, name, decidedBy }) => {
      checkIds(namespace, device);
      return { device: toDevice(await own.rename(namespace, device, name, decidedBy || "system")) };
    },
    removeDevice: async ({ namespace, device, decidedBy }) => {
      checkIds(namespace, device);
      return { sequence: BigInt(await own.remove(namespace, device, decidedBy || "system")) };
    },
    confirmMetadata: async ({ namespace, device, sequence }) => {
      checkIds(namespace, device);
      await own.confirmMetadata(namespace, device, Number(sequence));
      return {};
    },
    createEditToken: async ({ namespace, device }) => {
      checkIds(namespace, device);
      const { token, expiresAt } = await editTokens.create({ namespace, id: device });
      return { token, expiresAt: BigInt(expiresAt) };
    },
    checkEditToken: async ({ namespace, device, token }) => {
      checkIds(namespace, device);
      return { expiresAt: BigInt(await editTokens.check({ namespace, id: device }, token)) };
    },
    eraseDevice: async ({ namespace, device, decidedBy }) => {
      checkIds(namespace, device);
      const erased = await erase(erasing, namespace, device, decidedBy || "system");
      return { sequence: BigInt(erased.sequence), signalsBefore: BigInt(erased.signalsBefore) };
    },
    createConfiguration: async ({ namespace, device, valueJson, decidedBy }) => {
      checkIds(namespace, device);
      const made = await configurations.create(namespace, device, valueJson, decidedBy || "system");
      return { revision: made.revision, sequence: BigInt(made.sequence) };
    },
    acknowledgeConfiguration: async ({ namespace, device, acknowledgments }) => {
      // Of a device that cannot be: without an effect, as of any that is not.
      if (isId(namespace) && isId(device)) {
        await configurations.acknowledge(namespace, device, acknowledgments);
      }
      return {};
    },
  };
}

/** Refusals and failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof UnknownDevice || error instanceof UnknownToken)
    return new RpcError("not_found", error.message);
  if (error instanceof UnknownSensor) {
    return new RpcError("failed_precondition", error.message, { sensor: error.sensor });
  }
  if (error instanceof IdTaken) return new RpcError("failed_precondition", error.message);
  if (error instanceof NameTaken) return new RpcError("already_exists", error.message);
  if (error instanceof TooManyConfigurations || error instanceof TooManyDevices)
    return new RpcError("resource_exhausted", error.message);
  return rpcFailure(error);
}

function checkNamespace(namespace: string): void {
  if (!isId(namespace)) throw new InvalidField("namespace", "is no id");
}

function checkIds(namespace: string, device: string): void {
  if (!isId(namespace) || !isId(device)) throw new UnknownDevice();
}

function toDevice({ id, state, sequence }: FoundDevice) {
  return {
    id,
    dialect: state.dialect,
    metadata: state.metadata,
    sensors: state.sensors.map(({ id, type, details, removed }) => ({
      ...{ id, details, removed, sensorType: type },
    })),
    registeredAt: BigInt(state.registeredAt),
    sequence: BigInt(sequence),
    metadataChanged: state.changedByOthersAt !== undefined,
  };
}
