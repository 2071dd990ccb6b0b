import { deviceKey } from "@fieldlog/admission";
import type { projections } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import type { z } from "zod";
import { deviceJson } from "./device-json.js";
import type { NewDevice, NewName } from "./input.js";
import { type Call, DIALECT, note, type StudioParts, seen } from "./parts.js";
import { refusals } from "./refusal.js";

/** Devices of one answer, and those that are asked at once whether they are connected. */
const PAGE = 1_000;
const AT_ONCE = 64;

/** A device that brings its own id. One that is there already is no error, whatever `ifNotExists` says. */
export async function createDevice(parts: StudioParts, call: Call<z.output<typeof NewDevice>>) {
  const { deviceId, deviceType } = call.body;
  const namespace = call.caller.namespace.id;
  const properties =
    deviceType === "" ? {} : { deviceType: { value: { case: "text" as const, value: deviceType } } };
  const { device } = await parts.devices.ensureDevice({
    ...{ namespace, device: deviceId, dialect: DIALECT },
    metadata: { name: deviceId, properties },
  });
  note(parts, namespace, device?.sequence ?? 0n);
  parts.known.registered.invalidate(deviceKey(namespace, deviceId));
  return {};
}

export async function getDevice(parts: StudioParts, { caller, params }: Call) {
  const device = await storedDevice(parts, caller.namespace.id, params["device"] ?? "");
  const status = await parts.remote.status(caller.namespace.id, device.id);
  return { device: deviceJson(device, status) };
}

/** The first thousand by id. */
export async function listDevices(parts: StudioParts, { caller }: Call) {
  const namespace = caller.namespace.id;
  const { devices } = await parts.projections.listDevices({
    ...{ namespace, limit: PAGE, dialect: DIALECT, atLeast: seen(parts, namespace) },
  });
  const listed: ReturnType<typeof deviceJson>[] = [];
  for (let i = 0; i < devices.length; i += AT_ONCE) {
    const some = devices.slice(i, i + AT_ONCE);
    const statuses = await Promise.all(some.map(({ id }) => parts.remote.status(namespace, id)));
    listed.push(...some.map((device, n) => deviceJson(device, statuses[n])));
  }
  return { devices: listed };
}

export async function renameDevice(parts: StudioParts, call: Call<z.output<typeof NewName>>) {
  const { namespace, decidedBy } = call.caller;
  const asked = { namespace: namespace.id, device: call.params["device"] ?? "" };
  await storedDevice(parts, asked.namespace, asked.device);
  const { device } = await parts.devices.updateDevice({
    ...{ ...asked, metadata: { name: call.body.name }, decidedBy },
  });
  note(parts, asked.namespace, device?.sequence ?? 0n);
  return {};
}

/** One of the dialect. Raises Refusal 404. */
async function storedDevice(
  parts: StudioParts,
  namespace: string,
  device: string,
): Promise<projections.StoredDevice> {
  const asked = { namespace, device, atLeast: seen(parts, namespace) };
  const found = await parts.projections.getDevice(asked).catch((error: unknown) => {
    if (error instanceof RpcError && error.code === "not_found") throw refusals.noDevice();
    throw error;
  });
  if (found.device?.dialect !== DIALECT) throw refusals.noDevice();
  return found.device;
}
