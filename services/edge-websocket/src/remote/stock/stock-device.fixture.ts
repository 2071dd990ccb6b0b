// A process of its own, as the stock client is one: `edge-impulse-linux` with its own connection, REST client, uploader
// and model monitor. Only what it reads its sensors with is replaced. It ends, as the original does, when something in it
// is not caught. Run by Node as it stands, so it imports nothing of ours.
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";

export interface StockOrder {
  readonly release: "1.3" | "1.8" | "1.25";
  /** The runner's connection instead of the collector's. */
  readonly inference: boolean;
  readonly apiKey: string;
  /** Log in by `x-jwt-token` instead. */
  readonly byToken: boolean;
  readonly deviceId: string;
  readonly sensors: readonly { name: string; frequencies: number[]; maxSampleLengthS: number }[];
  /** Folder for what a runner keeps. */
  readonly folder: string;
  /** What the sensor sees, as base64. */
  readonly picture: string;
}

export type StockReport =
  | { readonly kind: "logged-in"; readonly project: number; readonly hmacKey: string | undefined }
  | { readonly kind: "said"; readonly text: string }
  | { readonly kind: "asked-name"; readonly name: string }
  | { readonly kind: "asked-sample"; readonly asked: Record<string, unknown> }
  | { readonly kind: "uploaded" }
  | { readonly kind: "authentication-failed" }
  | { readonly kind: "new-model"; readonly version: number | null; readonly bytes: string };

type Fields = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: packages that have no types, or none that fit
type Untyped = any;

const order = JSON.parse(process.env["STOCK_ORDER"] ?? "{}") as StockOrder;
const { release, inference, byToken, deviceId, sensors } = order;
const OLDEST = release === "1.3";
const NEWEST = release === "1.25";
const ownPackage = `edge-impulse-linux-${release}`;
const require = createRequire(import.meta.url);
const load = (file: string): Untyped => require(`${ownPackage}/build/${file}`);
const ownWebSocket: Untyped = createRequire(require.resolve(`${ownPackage}/package.json`))("ws");
const { upload } = load(NEWEST ? "cli-common/make-image.js" : "cli/make-image.js");

const report = (message: StockReport) => process.send?.(message);
for (const level of ["log", "warn", "error"] as const) {
  console[level] = (...said: unknown[]) => report({ kind: "said", text: said.map(String).join(" ") });
}

/** As config.js makes them of EI_HOST=127.0.0.1. */
const endpoints = {
  internal: {
    api: `http://127.0.0.1:4800${OLDEST ? "/v1" : ""}`,
    ws: "ws://127.0.0.1:4802",
    ingestion: "http://127.0.0.1:4810",
  },
};
const devKeys = { apiKey: order.apiKey, hmacKey: "0" };
const picture = Buffer.from(order.picture, "base64");

/** The client's REST client, with its key. */
async function restClient(): Promise<Untyped> {
  const all = load("sdk/studio/api.js");
  if (!OLDEST) {
    const api = new all.EdgeImpulseApi({ endpoint: endpoints.internal.api });
    const { apiKey } = devKeys;
    await api.authenticate(byToken ? { method: "jwtToken", jwtToken: apiKey } : { method: "apiKey", apiKey });
    return api;
  }
  const kind = byToken ? "JWTHttpHeaderAuthentication" : "ApiKeyAuthentication";
  const client = (name: string) => {
    const made = new all[`${name}Api`](endpoints.internal.api);
    made.setApiKey(all[`${name}ApiApiKeys`][kind], devKeys.apiKey);
    return made;
  };
  return { projects: client("Projects"), devices: client("Devices") };
}

/** As init-cli-app.js does it. */
async function logIn({ projects, user }: Untyped): Promise<number> {
  const read = async (answer: Promise<Untyped>): Promise<Untyped> => (OLDEST ? (await answer).body : answer);
  const [project] = (await read(projects.listProjects())).projects;
  // It tolerates that it may not know them.
  const asked = NEWEST ? projects.getHmacDevkey(project.id) : projects.listDevkeys(project.id);
  const keys = await read(asked).catch(() => ({}));
  if (NEWEST && byToken) {
    const { organizations } = await user.getCurrentUser();
    if (!organizations.some((each: Untyped) => each.isDeveloperProfile)) throw new Error("no profile");
    const wanted = { name: "stock", role: "ingestion_deployment", isDevelopmentKey: false };
    devKeys.apiKey = (await projects.addProjectApiKey(project.id, wanted)).apiKey;
  }
  report({ kind: "logged-in", project: project.id, hmacKey: keys.hmacKey });
  return project.id;
}

/** In the order of linux-device.js; what its sensors give is there at once. */
class Device extends EventEmitter {
  streaming: ReturnType<typeof setInterval> | undefined;
  connected = () => true;
  getDeviceId = async () => deviceId;
  getDeviceType = () => (NEWEST ? Promise.resolve("EDGE_IMPULSE_LINUX") : "EDGE_IMPULSE_LINUX");
  getSensors = () => sensors;
  getConnectionType = () => "ip";
  supportsSnapshotStreaming = () => true;
  supportsSnapshotStreamingWhileCapturing = () => true;
  beforeConnect = async () => undefined;

  async startSnapshotStreaming(): Promise<void> {
    this.streaming = setInterval(() => this.emit("snapshot", picture, "shot.jpg"), 50);
  }

  async stopSnapshotStreaming(): Promise<void> {
    clearInterval(this.streaming);
  }

  async sampleRequest(asked: Untyped, events: EventEmitter): Promise<void> {
    report({ kind: "asked-sample", asked });
    const { sensor, label, length, path } = asked;
    if (!sensors.some(({ name }) => name === sensor)) throw new Error(`Invalid sensor: ${sensor}`);
    events.emit("started");
    if (sensor === "Microphone") {
      await new Promise((resolve) => setTimeout(resolve, length));
      events.emit("processing");
      events.emit("reading", 50);
    }
    events.emit("uploading");
    const unlike = Buffer.from(String(Math.random()));
    await upload({
      ...{ apiKey: devKeys.apiKey, config: { endpoints }, filename: `${label}.jpg`, addDateId: true },
      buffer: Buffer.concat([picture.subarray(0, -2), unlike, picture.subarray(-2)]),
      ...{ allowDuplicates: false, category: path.includes("/training") ? "training" : "testing" },
      ...{ label: { label, type: "label" }, metadata: { by: "stock" } },
    });
    report({ kind: "uploaded" });
  }
}

const MODEL = {
  project: { id: 1, owner: "me", name: "model", deploy_version: 3 },
  modelParameters: { model_type: "classification", has_anomaly: 0, thresholds: [] },
};

/** The runner's own, which keeps its records in files. */
function monitorOf(): Promise<Untyped> {
  const { ModelMonitor } = load(NEWEST ? "cli-common/model-monitor.js" : "cli/linux/model-monitor.js");
  const nothing = async () => undefined;
  const config = {
    ...{ getStoragePath: async () => order.folder, getDefaultStoragePath: () => order.folder },
    ...{ storeStoragePath: nothing, getStorageIndex: async () => 0, storeStorageIndex: nothing },
    ...{ getStorageMaxSizeMb: nothing, getMonitorSummaryIntervalMs: nothing },
    getDeploymentVersion: async () => MODEL.project.deploy_version,
  };
  return ModelMonitor.getModelMonitor(config, MODEL);
}

/** As linux.js and runner.js do it. */
function managementOf(project: number, api: Untyped, monitor: Untyped): Untyped {
  const { id: projectId, owner: projectOwner, name: projectName } = MODEL.project;
  const model = { projectId, projectOwner, projectName, deploymentVersion: 3, modelType: "classification" };
  const rename = async (name: string) => {
    report({ kind: "asked-name", name });
    return `${name} renamed`;
  };
  const open = (url: string) => new ownWebSocket(url);
  const config = { endpoints, api, command: "stock" };
  const device = new Device();
  if (NEWEST) {
    const { RemoteMgmt } = load("cli-common/remote-mgmt-service.js");
    const management = new RemoteMgmt(project, devKeys, config, device, monitor, open, rename);
    return Object.assign(management, {
      begin: () => management.connect(true, inference ? model : undefined),
    });
  }
  if (inference) {
    const { RemoteMgmt } = load("cli/linux/remote-mgmt-service.js");
    const management = new RemoteMgmt(project, model, devKeys, config, device, monitor, open, rename);
    return Object.assign(management, { begin: () => management.connect() });
  }
  const { RemoteMgmt } = load("shared/daemon/remote-mgmt-service.js");
  const management = new RemoteMgmt(project, devKeys, config, device, open, rename);
  return Object.assign(management, { begin: () => management.connect() });
}

/** The part of runner.js that does not run the model. */
async function takeModel({ deployment }: Untyped, project: number, management: Untyped): Promise<void> {
  const target = { type: "runner-linux-x86_64", modelType: "float32" };
  const { version = null } = await deployment.getDeployment(project, target);
  const bytes: Uint8Array = await deployment.downloadBuild(project, target);
  report({ kind: "new-model", version, bytes: Buffer.from(bytes).toString("base64") });
  await management.sendModelUpdateStatus(
    { ...MODEL, project: { ...MODEL.project, deploy_version: version } },
    true,
  );
}

const api = await restClient();
const project = await logIn(api);
const monitor = inference ? await monitorOf() : undefined;
const management = managementOf(project, api, monitor);
management.on("authenticationFailed", () => report({ kind: "authentication-failed" }));
management.on("newModelAvailable", () => takeModel(api, project, management));
if (monitor !== undefined) {
  monitor.on("impulse-record", management.impulseRecordListener.bind(management));
  monitor.on("impulse-records-response", management.impulseRecordsResponseListener.bind(management));
  monitor.on("inference-summary", management.inferenceSummaryListener.bind(management));
}
process.on("message", (result: Fields) => {
  // What its own flushMetrics tells, which the older one does not have.
  if (result["flush"] === true) monitor.emit("inference-summary", monitor._metricsCalculator.getMetrics());
  else monitor.processResult(result, { type: "jpg", buffer: picture });
});
process.on("disconnect", () => process.exit());
await management.begin();
