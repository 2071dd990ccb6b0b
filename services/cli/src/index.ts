export { runCli } from "./main.js";
export type { World } from "./world.js";
