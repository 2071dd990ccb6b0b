// For who checks a repository's manifests from a program.
export { check } from "./check.js";
