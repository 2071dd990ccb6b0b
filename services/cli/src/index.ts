// The configuration file of cred's own server, for whoever takes over from it.
export { CredrcError } from "./credrc/credrc-error.js";
export { readCredrc } from "./credrc/read.js";
export { credrcSettings } from "./credrc/settings.js";
export { runCli } from "./main.js";
export type { World } from "./world.js";
