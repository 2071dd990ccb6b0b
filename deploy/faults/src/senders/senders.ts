import { csn } from "./csn.js";
import { native } from "./native.js";
import type { Scene } from "./scene.js";
import type { Sender } from "./sender.js";

/** Every dialect's senders, by the name under which they are asked for. */
export const DIALECTS: Readonly<Record<string, (scene: Scene, devices: number) => Promise<Sender>>> = {
  native,
  csn,
};
