import { rpcFailure } from "@fieldlog/aggregates";
import { type devices, limits } from "@fieldlog/contracts";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import type { Devices, FoundDevice } from "./devices.js";
import { InvalidField, UnknownDevice, UnknownSensor } from "./refusals.js";

/** fieldlog.devices.v1.DevicesService: requests to calls, results to answers. */
export function devicesService(own: Devices): ServiceImpl<typeof devices.DevicesService> {
  return {
    registerDevice: async ({ namespace, dialect, metadata, sensors }) => {
      if (!isId(namespace)) throw new InvalidField("namespace", "is no id");
      return { device: toDevice(await own.register(namespace, { dialect, metadata, sensors })) };
    },
    updateDevice: async ({ namespace, device, decidedBy, ...asked }) => {
      if (!isId(namespace) || !isId(device)) throw new UnknownDevice();
      const updated = await own.update(namespace, device, asked, decidedBy || `device:${device}`);
      const { changed, newSensorIds } = updated;
      return { device: toDevice(updated.device), newSensorIds: [...newSensorIds], changed };
    },
    getDevice: async ({ namespace, device }) => {
      if (!isId(namespace) || !isId(device)) throw new UnknownDevice();
      return { device: toDevice(await own.get(namespace, device)) };
    },
  };
}

/** Refusals and failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof UnknownDevice) return new RpcError("not_found", error.message);
  if (error instanceof UnknownSensor) {
    return new RpcError("failed_precondition", error.message, { sensor: error.sensor });
  }
  if (error instanceof InvalidField) {
    return new RpcError("invalid_argument", error.message, { field: error.field });
  }
  return rpcFailure(error);
}

/** Whether anything can go by that id at all. */
function isId(text: string): boolean {
  return text.length > 0 && text.length <= limits.idLength && !text.includes("\u0000");
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
  };
}
