import { boards } from "./boards.js";
import { cred } from "./cred.js";
import { csn } from "./csn.js";
import { mqtt } from "./mqtt.js";
import { native, sleepers } from "./native.js";
import type { Scene } from "./scene.js";
import type { Sender } from "./sender.js";
import { spotflow } from "./spotflow.js";
import { tenta } from "./tenta.js";
import { trainingData } from "./training-data.js";
import { uploads } from "./uploads.js";

/** Every dialect's senders, by the name under which they are asked for. */
export const DIALECTS: Readonly<Record<string, (scene: Scene, devices: number) => Promise<Sender>>> = {
  native,
  sleepers,
  csn,
  mqtt,
  tenta,
  cred,
  "edge-impulse": trainingData,
  boards,
  uploads,
  spotflow,
};
