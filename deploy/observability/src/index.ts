export { metricProblems, observabilityProblems } from "./check.js";
export { alertsOf, staleFiles, writeFiles } from "./files.js";
