import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./fleet-schemas.js";

const TEMPLATES = `${NAMESPACE}/fleet-templates`;
const TEMPLATE = `${TEMPLATES}/{name}`;

/** What is wanted of all devices with some tags, and that report some values. */
export const fleetOperations = {
  listFleetTemplates: op({
    ...{ method: "get", path: TEMPLATES, access: "reader", status: 200, waits: true },
    summary: "What is wanted of all devices with some tags, and how many have it, took it and failed",
    query: NoQuery,
    answer: schema.FleetTemplates,
  }),
  getFleetTemplate: op({
    ...{ method: "get", path: TEMPLATE, access: "reader", status: 200, waits: true },
    summary: "A fleet template, and what became of it at devices",
    query: NoQuery,
    answer: schema.FleetTemplate,
  }),
  listFleetDevices: op({
    ...{ method: "get", path: `${TEMPLATE}/devices`, access: "reader", status: 200, waits: true },
    summary: "Devices of a fleet template by id: who waits for it, has it, took it, failed",
    query: schema.FleetDevicesQuery,
    answer: schema.FleetDevices,
  }),
  setFleetTemplate: op({
    ...{ method: "put", path: TEMPLATE, access: "writer", status: 200, writes: true },
    summary:
      "Makes a fleet template, or changes it: then all its devices get the new revision; the same again begins anew only if it was stopped",
    query: NoQuery,
    body: schema.NewFleetTemplate,
    answer: schema.SetFleetTemplate,
    refusals: { 409: "There are as many as may be" },
  }),
  stopFleetTemplate: op({
    ...{ method: "post", path: `${TEMPLATE}/stop`, access: "writer", status: 204, writes: true },
    summary: "Lets no further device get it; those that have it keep it",
    query: NoQuery,
    body: schema.StopFleetTemplate,
  }),
  removeFleetTemplate: op({
    ...{ method: "delete", path: TEMPLATE, access: "writer", status: 204, writes: true },
    summary: "Removes a fleet template; what is wanted of devices stays",
    query: NoQuery,
  }),
} as const;
