import { bytes, dateOf, dbl, doubles, len, num } from "../csn/hand.fixture.js";
import { acquisition, json } from "../edge-impulse/ingestion/documents.fixture.js";
import type { Example } from "./request.fixture.js";

const made = () => `made-${crypto.randomUUID().slice(0, 8)}`;
const body = (value: object) => ({ body: () => value });
/** Nothing is connected. */
const away = { owner: [404, 409] };
const removes = { last: 2 };

/** A CSN message of a registered client: its signature, and what follows. */
const signed = (...more: number[][]): Example => ({
  at: { id: "client" },
  body: (_, sign) => bytes([...sign], ...more),
});
const stretch = () => [...len(4, dateOf(Date.now() - 60_000)), ...len(5, dateOf(Date.now()))];

const csn: Record<string, Example> = {
  "csn-client-create": { body: () => bytes(len(1, len(4, made())), len(2, num(2, 0))) },
  "csn-query-name-available": { body: () => bytes(len(1, made())) },
  "csn-query-existing-uuid": { body: () => bytes(len(1, made())) },
  "csn-query-client-from-legacy-id": { body: () => bytes(len(1, made())) },
  "csn-query-recent-events": { body: () => bytes() },
  "csn-client-update": signed(),
  "csn-client-metadata": signed(),
  "csn-client-get-keyvalue": signed(),
  "csn-client-edit-token": signed(),
  "csn-heartbeat": signed(),
  "csn-data-offer": signed(len(2, [...num(1, 0), ...num(2, 1), ...stretch(), ...num(8, 1)])),
  "csn-event": signed(
    ...[dbl(2, 34.1), dbl(3, -118.1), num(4, 0)],
    len(5, [...num(1, 0), ...doubles(3, [0, 0, 1]), ...num(5, 117), ...num(6, 600)]),
  ),
  "csn-data-reading": {
    ...{ at: { id: "reading" }, capability: "download" },
    query: ({ capability }) => (capability === undefined ? "" : `?token=${capability}`),
  },
};

const tenta: Record<string, Example> = {
  "tenta-logOut": { last: 6 },
  "tenta-createNetwork": { body: () => ({ network_name: made() }) },
  // Users are the installation's: whoever owns a network may make anybody a member of that.
  "tenta-setMember": { at: { user_name: "editorName" }, ...body({ role: "editor" }), elsewhere: [200] },
  "tenta-removeMember": { at: { user_name: "editorName" }, ...removes, elsewhere: [204] },
  "tenta-createSensor": { body: () => ({ sensor_name: made() }) },
  "tenta-renameSensor": { body: () => ({ sensor_name: made() }) },
  "tenta-removeSensor": { last: 3 },
  "tenta-createConfiguration": body({ rate: 1 }),
};

const cred: Record<string, Example> = {
  "cred-createEvent": body({ event: { name: "Light" } }),
  "cred-showEvent": { at: { id: "credEvent" } },
  "cred-showClient": { at: { id: "credClient" } },
  "cred-listClientEvents": { at: { id: "credClient" } },
  "cred-listSubscribedEvents": { at: { id: "credClient" } },
  "cred-createApiKey": body({ permission: "read" }),
  "cred-showApiKey": { at: { id: "credKey" } },
};

const document = () => json(acquisition({ device_name: "board" }, "none"));

/** Of each category of the dialect, two ways to send what was sampled. */
function ingestion(): Record<string, Example> {
  const categories = ["training", "testing", "anomaly", "split", "validation", "post-processing"];
  return Object.fromEntries(
    categories.flatMap((category) => [
      [
        `ingestion-${category}-data`,
        {
          body: document,
          headers: { "content-type": "application/json", "x-file-name": made(), "x-label": "dog" },
        },
      ],
      [`ingestion-${category}-files`, { body: files, headers: { "x-label": "dog" } }],
    ]),
  );
}

function files(): FormData {
  const form = new FormData();
  form.append("data", new Blob([document() as Uint8Array<ArrayBuffer>]), `${made()}.json`);
  return form;
}

const board = { at: { device: "boardDevice" } };
const studio: Record<string, Example> = {
  "studio-getDevice": board,
  "studio-createKey": { body: () => ({ name: made() }) },
  "studio-createDevice": { body: () => ({ deviceId: made() }) },
  "studio-renameDevice": { ...board, body: () => ({ name: made() }) },
  "studio-startSampling": {
    ...board,
    ...body({ label: "dog", lengthMs: 10, category: "training", intervalMs: 1 }),
    ...away,
  },
  "studio-startSnapshots": { ...board, ...body({}), ...away },
  "studio-startInference": { ...board, ...body({}), ...away },
  "studio-keepAlive": { ...board, ...body({ streamId: 1 }), ...away },
  "studio-stopStream": { ...board, ...body({ streamId: 1 }), ...away },
  "studio-requestModelUpdate": { ...board, ...body({}), ...away },
  "studio-requestRecords": { ...board, ...body({ index: 1 }), ...away },
};

const hut = { at: { device: "hut" } };
const VERSION = "?api-version=2020-03-13";

const spotflow: Record<string, Example> = {
  "spotflow-init": body({}),
  "spotflow-complete": {
    body: ({ operation }) => ({ provisioningOperationId: operation }),
    // It has expired, or there is none: a device that hears it begins anew.
    refused: [410],
    // What the device has before is void then.
    last: 2,
  },
  "spotflow-register": body({}),
  "spotflow-refresh": {
    body: ({ registrationToken }) => ({ registrationToken }),
    refused: [410],
    last: 1,
  },
  "spotflow-createToken": body({ displayName: "fleet" }),
  "spotflow-regenerateToken": {
    body: ({ provisioningToken }) => ({ provisioningTokenId: provisioningToken }),
    last: 3,
  },
  "spotflow-getOperation": {},
  "spotflow-approve": { body: ({ thirdPending }) => ({ provisioningOperationId: thirdPending }) },
  "spotflow-cancel": { body: ({ fourthPending }) => ({ provisioningOperationId: fourthPending }) },
  "spotflow-deleteDevice": { ...hut, last: 3 },
  "spotflow-getDesired": hut,
  "spotflow-replaceDesired": { ...hut, ...body({ rate: 1 }) },
  "spotflow-patchDesired": { ...hut, ...body({ rate: 2 }) },
  "spotflow-getReported": hut,
  "spotflow-patchTags": { ...hut, ...body({ tags: { site: "roof" } }) },
  "spotflow-begin file": {
    ...{ at: { id: "hub" }, query: () => VERSION },
    ...body({ blobName: "other.bin" }),
  },
  "spotflow-end file": {
    ...{ at: { id: "hub" }, query: () => VERSION },
    ...body({ correlationId: "other.bin", isSuccess: true }),
  },
  "spotflow-file": {
    capability: "file",
    query: ({ capability }) => `?sig=${capability}`,
    body: () => Buffer.from("a payload"),
  },
  "spotflow-sendMessage": { ...hut, ...body({ rate: 5 }) },
  "spotflow-callMethod": { ...hut, ...body({}), ...away },
  // It is not connected, and the workspace's settings do not allow it.
  "spotflow-tunnelUri": { ...hut, owner: [403, 409] },
  "spotflow-setStreamGroup": body({ name: "plant", defaultStream: "press" }),
  "spotflow-setStream": body({ streamGroupName: "plant", streamName: "press" }),
  "spotflow-storageUri": body({ container: "Messages", duration: "00:10:00" }),
  "spotflow-listStored": { capability: "storage", query: ({ capability }) => `?sig=${capability}` },
  "spotflow-getStored": { capability: "storage", query: ({ capability }) => `?sig=${capability}` },
};

const upload = { at: { token: "capability" }, capability: "upload", body: () => Buffer.from("recorded") };
const tus = { "tus-resumable": "1.0.0", "upload-offset": "0", "upload-length": "8" };
const uploads: Record<string, Example> = {
  "upload-post": { ...upload, headers: { "content-type": "application/octet-stream" } },
  // It has been used once already.
  "upload-put": { ...upload, owner: [409] },
  "upload-patch": {
    ...{ ...upload, owner: [409] },
    headers: { ...tus, "content-type": "application/offset+octet-stream" },
  },
};

/** What is asked of the dialects' operations. */
export const dialectExamples: Readonly<Record<string, Example>> = {
  ...{ ...csn, ...tenta, ...cred, ...ingestion(), ...studio, ...spotflow, ...uploads },
};
