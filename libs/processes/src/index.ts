// Fieldlog as processes on one machine: which there are, what each is told, and one of them as a child process.

export { type PlanOptions, type ProcessPlan, planProcesses } from "./plan.js";
export { type ServiceProcessOptions, serviceProcess } from "./service-process.js";
export { CALLED, DOORS, grpcSetting, isDoor, OPS_PORT, SERVICES, type ServiceName } from "./services.js";
