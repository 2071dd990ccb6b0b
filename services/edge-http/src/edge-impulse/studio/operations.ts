import type { KnownKey } from "@fieldlog/admission";
import type { z } from "zod";
import { createKey, getHmacKey, getProject, getUser, listProjects } from "./about.js";
import { getDeployment, listImpulses, listTargets, listVariants } from "./deployments.js";
import { createDevice, getDevice, listDevices, renameDevice } from "./devices.js";
import * as input from "./input.js";
import {
  keepAlive,
  requestModelUpdate,
  requestRecords,
  startInference,
  startSampling,
  startSnapshots,
  stopStream,
} from "./operating.js";
import type { Call, StudioParts } from "./parts.js";
import type { Permission } from "./projects.js";

/** What a request is answered with, beside `"success": true`. */
type Answer = Promise<Readonly<Record<string, unknown>>>;

/** About a key, and none of its projects. */
export interface KeyOperation {
  readonly name: string;
  readonly path: string;
  readonly handle: (parts: StudioParts, key: KnownKey) => Answer;
}

/** About one project. */
export interface ProjectOperation {
  readonly name: string;
  readonly method: "GET" | "POST";
  /** Below `/v1/api/{project}`. */
  readonly path: string;
  readonly needs: Permission;
  readonly body: z.ZodType;
  readonly handle: (parts: StudioParts, call: Call<never>) => Answer;
}

/** Reference section 3: what the clients call to log in. */
export const keyOperations: readonly KeyOperation[] = [
  { name: "listProjects", path: "/projects", handle: listProjects },
  { name: "getUser", path: "/user", handle: getUser },
];

const { Nothing } = input;
const get = (name: string, path: string, handle: ProjectOperation["handle"]): ProjectOperation => {
  return { name, method: "GET", path, needs: "read", body: Nothing, handle };
};
const post = <S extends z.ZodType>(
  name: string,
  path: string,
  body: S,
  handle: (parts: StudioParts, call: Call<z.output<S>>) => Answer,
  needs: Permission = "write",
): ProjectOperation => ({ name, method: "POST", path, needs, body, handle });

/** Reference section 3: what the clients need once they are connected, and what an operator asks for. */
export const projectOperations: readonly ProjectOperation[] = [
  get("getProject", "", getProject),
  // Who has it can sign as the project's devices do.
  { ...get("getHmacKey", "/devkeys/hmac", getHmacKey), needs: "write" },
  { ...get("listKeys", "/devkeys", getHmacKey), needs: "write" },
  post("createKey", "/apikeys", input.NewKey, createKey, "admin"),
  get("listImpulses", "/impulses", listImpulses),
  get("listVariants", "/model-variants", listVariants),
  get("listTargets", "/deployment/targets/data-sources", listTargets),
  get("getDeployment", "/deployment", getDeployment),
  get("listDevices", "/devices", listDevices),
  get("getDevice", "/device/:device", getDevice),
  post("createDevice", "/devices/create", input.NewDevice, createDevice),
  post("renameDevice", "/devices/:device/rename", input.NewName, renameDevice),
  post("startSampling", "/device/:device/start-sampling", input.NewSampling, startSampling),
  post("startSnapshots", "/device/:device/debug-stream/snapshot/start", input.NewSnapshots, startSnapshots),
  post("startInference", "/device/:device/debug-stream/inference/start", Nothing, startInference),
  post("keepAlive", "/device/:device/debug-stream/keep-alive", input.StreamId, keepAlive),
  post("stopStream", "/device/:device/debug-stream/stop", input.StreamId, stopStream),
  post("requestModelUpdate", "/devices/:device/request-model-update", Nothing, requestModelUpdate),
  post("requestRecords", "/device/:device/get-impulse-records", input.WantedRecords, requestRecords),
];
