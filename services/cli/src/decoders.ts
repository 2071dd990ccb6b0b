// For deploy/fuzz: what reads bytes of others.
export { CredrcError } from "./credrc/credrc-error.js";
export { credrcIn } from "./credrc/read.js";
