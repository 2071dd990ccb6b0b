import { Networks } from "./networks.js";
import type { OperationName } from "./operations.js";
import type { TentaParts } from "./parts.js";
import { People } from "./people.js";
import { Readings } from "./readings.js";
import type { Handle } from "./request.js";

/** Who carries out which operation. */
export function handlesOf(parts: TentaParts, status: Handle): Readonly<Record<OperationName, Handle>> {
  const people = new People(parts);
  const networks = new Networks(parts);
  const readings = new Readings(parts);
  return {
    status,
    createUser: (request) => people.createUser(request),
    logIn: (request) => people.logIn(request),
    logOut: (request) => people.logOut(request),
    createNetwork: (request) => networks.createNetwork(request),
    listNetworks: (request) => networks.listNetworks(request),
    showNetwork: (request) => networks.showNetwork(request),
    listMembers: (request) => people.listMembers(request),
    setMember: (request) => people.setMember(request),
    removeMember: (request) => people.removeMember(request),
    createSensor: (request) => networks.createSensor(request),
    listSensors: (request) => networks.listSensors(request),
    renameSensor: (request) => networks.renameSensor(request),
    removeSensor: (request) => networks.removeSensor(request),
    rotateSecret: (request) => networks.rotateSecret(request),
    showLatest: (request) => networks.showLatest(request),
    createConfiguration: (request) => readings.createConfiguration(request),
    listConfigurations: (request) => readings.listConfigurations(request),
    listMeasurements: (request) => readings.listMeasurements(request),
    listLogs: (request) => readings.listLogs(request),
    summarizeLogs: (request) => readings.summarizeLogs(request),
  };
}
