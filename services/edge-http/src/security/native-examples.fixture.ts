import type { Example } from "./request.fixture.js";

const made = () => `made-${crypto.randomUUID().slice(0, 8)}`;
const body = (value: object) => ({ body: () => value });
/** Nothing is connected. */
const away = { owner: [404, 409] };
const removes = { last: 2 };

const subscription = { at: { id: "subscription" } };
const webhook = { at: { id: "webhook" } };
const request = { at: { id: "request" } };
const reading = { at: { number: "reading" } };
const sample = { at: { number: "sample" } };
const batch = { at: { number: "batch" } };
const hut = { at: { device: "hut" } };
const sampled = { at: { device: "sampled" } };
const token = { at: { id: "provisioningToken" } };
const template = { at: { name: "template" } };
const offer = { sensor: "0", current: true, format: "application/octet-stream" };

/**
 * What is asked of each operation of the native API. One without a body, whose path names nothing but what has the same
 * name among a tenant's things, needs no example.
 */
export const nativeExamples: Readonly<Record<string, Example>> = {
  publishEvents: body({ name: "pick" }),
  createSubscription: body({ delivery: "poll" }),
  getSubscription: subscription,
  removeSubscription: { ...subscription, ...removes },
  enableSubscription: webhook,
  rotateSubscriptionSecret: { ...webhook, ...body({}) },
  pollEvents: subscription,
  createDevice: { body: () => ({ name: made() }) },
  removeDevice: { ...removes, last: 3 },
  changeDevice: body({ floor: "1" }),
  sendMessage: { ...hut, ...body({ rate: 5 }) },
  callMethod: { at: { device: "hut", name: "method" }, ...body({}), ...away },
  createDataRequest: { body: ({ device }) => ({ device, current: true }), elsewhere: [201] },
  getDataRequest: request,
  withdrawDataRequest: { ...request, ...removes },
  offerData: { at: { device: "recorder" }, ...body({ offers: [offer] }) },
  getReading: reading,
  getReadingData: reading,
  removeReading: { ...reading, ...removes },
  createDownloadToken: { ...reading, ...body({}) },
  changeSettings: body({ inactiveAfterS: 900 }),
  // Users are the installation's: whoever owns a namespace may make anybody a member of that.
  setMember: { body: ({ readerName }) => ({ name: readerName, role: "reader" }), elsewhere: [200] },
  removeMember: { at: { user: "reader" }, ...removes, elsewhere: [204] },
  clearNamespace: { last: 6 },
  eraseDevice: { at: { device: "other" }, last: 3 },
  setRetention: body({ measurementDays: 1, logDays: 1 }),
  createNamespace: { body: () => ({ name: made() }) },
  createNamespaceKey: body({ kind: "native", permission: "read" }),
  revokeNamespaceKey: { at: { id: "key" }, ...removes },
  createOperatorKey: body({ permission: "read" }),
  revokeOperatorKey: { at: { id: "operatorKey" }, ...removes },
  rebuildReadModel: { at: { name: "readModel" } },
  retryDeadLetters: {
    body: ({ ns, device }) => ({ readModel: "events", namespace: ns, device }),
    owner: [404],
  },
  dropDeadLetters: {
    body: ({ ns, device }) => ({ readModel: "events", namespace: ns, device }),
    owner: [404],
  },
  resealInstallation: body({ check: true }),
  sendHeartbeat: body({}),
  getLiveness: { owner: [404] },
  startSnapshots: { ...body({}), ...away },
  stopSnapshots: away,
  streamSnapshots: away,
  startInference: away,
  stopInference: away,
  requestRecords: { ...body({ index: 1 }), ...away },
  updateModel: { ...body({}), ...away },
  createProvisioningToken: body({ name: "fleet" }),
  regenerateProvisioningToken: { ...token, last: 3 },
  disableProvisioningToken: { ...token, last: 3 },
  enableProvisioningToken: { ...token, last: 3 },
  getProvisioningOperation: { at: { id: "operation" } },
  approveProvisioning: { at: { id: "pending" }, ...body({}) },
  cancelProvisioning: { at: { id: "otherPending" } },
  disableNamespace: { ...body({ reason: "a test" }), last: 4 },
  enableNamespace: { last: 5 },
  requestSampling: { ...sampled, ...body({ label: "dog", lengthMs: 10, intervalMs: 1 }) },
  listDeviceSamplings: sampled,
  getSampling: sampled,
  cancelSampling: { ...sampled, ...removes },
  replaceDesired: body({ rate: 1 }),
  patchDesired: body({ rate: 2 }),
  patchReported: body({ rate: 2 }),
  patchTags: body({ site: "roof" }),
  getFleetTemplate: template,
  setFleetTemplate: { ...template, ...body({ tags: { site: "cellar" }, desired: { rate: 1 } }) },
  removeFleetTemplate: { ...template, ...removes },
  listFleetDevices: template,
  stopFleetTemplate: { ...template, ...body({}), last: 1 },
  exportSamples: { query: () => "?format=csv" },
  getSample: sample,
  changeSample: { ...sample, ...body({ label: "cat" }) },
  removeSample: { ...sample, last: 3 },
  getSampleData: sample,
  getSampleValues: sample,
  setStreamGroup: body({ defaultStream: "press", defaultGroup: true }),
  setStream: body({ concatenation: "lines", messagePattern: "{sequenceId}" }),
  removeStream: removes,
  getStreamBatchData: batch,
  // It is not connected, and the namespace's settings do not allow it.
  openTunnel: { ...hut, ...body({ port: 22 }), owner: [403, 409] },
  storeModel: {
    body: () => Buffer.from("a model"),
    headers: { "content-type": "application/octet-stream" },
    query: () => "?name=other",
  },
  removeModel: { ...removes, last: 3 },
};
