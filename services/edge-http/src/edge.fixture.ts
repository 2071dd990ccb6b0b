import { createHash, randomBytes } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { auth, devices, offers, registry, SIGNALS, type signals, subscriptions } from "@fieldlog/contracts";
import { connectLog, decodeBatch, type EventLog } from "@fieldlog/event-log";
import { type RpcCode, RpcError, RpcServer, type ServiceImpl } from "@fieldlog/rpc";
import { createRuntime, hostModule, readSettings, type Settings } from "@fieldlog/runtime";
import { EdgeHttpModule } from "./edge-http.module.js";
import type { Addresses } from "./http/server.js";

const TOKEN = "a".repeat(40);
const hashOf = (key: string) => createHash("sha256").update(key).digest("hex");

type Device = MessageInitShape<typeof devices.DeviceSchema> & {
  sensors: { id: string; sensorType: string; removed: boolean }[];
  sequence: bigint;
};

/**
 * auth, devices and subscriptions in memory, over real gRPC. Their decisions go to the real REGISTRY, so that edges hear
 * of them; who wants to know more of those services looks at their own tests.
 */
export class Neighbours {
  readonly credentials = new Map<string, string>();
  readonly devices = new Map<string, Device>();
  readonly keys = new Map<string, MessageInitShape<typeof auth.ApiKeySchema>>();
  readonly subscriptions = new Map<string, MessageInitShape<typeof subscriptions.SubscriptionSchema>>();
  readonly namespaces = new Map(["default", "test", "other"].map((name) => [name, { id: name, name }]));
  /** By namespace. */
  readonly requests = new Map<string, MessageInitShape<typeof offers.DataRequestSchema>[]>();
  /** What was offered, in order. */
  readonly offered: offers.OfferRequest[] = [];
  offersAreAway = false;
  /** How the next call of a method fails, once. */
  readonly failsWith = new Map<string, RpcCode>();
  /** Calls so far, by method. */
  readonly calls: Record<string, number> = {};
  private readonly sequences = new Map<string, number>();
  private readonly server: RpcServer;

  private constructor(
    readonly log: EventLog,
    port: number,
  ) {
    this.server = new RpcServer({ address: `127.0.0.1:${port}`, token: TOKEN })
      .add(auth.AuthService, this.auth() as ServiceImpl<typeof auth.AuthService>)
      .add(devices.DevicesService, this.devicesService() as ServiceImpl<typeof devices.DevicesService>)
      .add(
        subscriptions.SubscriptionsService,
        this.subscriptionsService() as ServiceImpl<typeof subscriptions.SubscriptionsService>,
      )
      .add(offers.OffersService, this.offersService() as ServiceImpl<typeof offers.OffersService>);
  }

  static async start(natsUrl: string): Promise<Neighbours> {
    const neighbours = new Neighbours(await connectLog({ url: natsUrl, name: "neighbours" }), 0);
    await neighbours.server.start();
    return neighbours;
  }

  get address(): string {
    return `127.0.0.1:${this.server.port}`;
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.log.close();
  }

  addKey(key: string, permission: string, namespace = "", expiresAt?: number): string {
    const id = randomBytes(4).toString("hex");
    const expires = expiresAt === undefined ? {} : { expiresAt: BigInt(expiresAt) };
    this.keys.set(hashOf(key), { id, permission, namespace, kind: "native", createdAt: 0n, ...expires });
    return id;
  }

  /** The key is void at once, and the decision is in the log. */
  async revokeKey(key: string): Promise<void> {
    const id = this.keys.get(hashOf(key))?.id ?? "";
    this.keys.delete(hashOf(key));
    await this.decide("_", "api-key", id, [{ event: { case: "apiKeyRevoked", value: {} } }]);
  }

  /** A subscription in namespace test. */
  subscribe(subscription: MessageInitShape<typeof subscriptions.SubscriptionSchema>): string {
    const id = randomBytes(8).toString("hex");
    this.subscriptions.set(id, { delivery: "poll", filters: [{}], ...subscription, id, namespace: "test" });
    return id;
  }

  async unsubscribe(id: string): Promise<void> {
    this.subscriptions.delete(id);
    await this.decide("test", "subscription", id, [{ event: { case: "subscriptionRemoved", value: {} } }]);
  }

  async revokeDevice(namespace: string, device: string): Promise<void> {
    this.credentials.delete(`${namespace}/${device}`);
    await this.decide(namespace, "credential", device, [
      { event: { case: "deviceCredentialRevoked", value: {} } },
    ]);
  }

  private async decide(
    namespace: string,
    kind: "api-key" | "credential" | "device" | "data-request" | "subscription",
    id: string,
    events: MessageInitShape<typeof registry.RegistryEventSchema>[],
    decidedBy = "system",
  ): Promise<bigint> {
    const name = `${namespace}/${kind}/${id}`;
    const decision = { events, decidedAt: BigInt(Date.now()), decidedBy };
    const before = this.sequences.get(name) ?? 0;
    const sequence = await this.log.registry.append({ namespace, kind, id }, decision, before);
    this.sequences.set(name, sequence);
    return BigInt(sequence);
  }

  private count(method: string): void {
    this.calls[method] = (this.calls[method] ?? 0) + 1;
  }

  private auth(): Partial<ServiceImpl<typeof auth.AuthService>> {
    const unimplemented = async () => {
      throw new RpcError("unimplemented", "not here");
    };
    return {
      createApiKey: unimplemented,
      listApiKeys: unimplemented,
      revokeApiKey: unimplemented,
      createNamespace: unimplemented,
      listNamespaces: unimplemented,
      getDeviceCredential: async ({ namespace, device }) => {
        this.count("getDeviceCredential");
        const secret = this.credentials.get(`${namespace}/${device}`);
        if (secret === undefined) throw new RpcError("not_found", "no such credential");
        return { kind: "csn-secret", secret };
      },
      issueDeviceCredential: async ({ namespace, device, kind }) => {
        this.failOnce("issueDeviceCredential");
        const secret = randomBytes(32).toString("hex");
        this.credentials.set(`${namespace}/${device}`, secret);
        const sequence = await this.decide(namespace, "credential", device, [
          { event: { case: "deviceCredentialIssued", value: { kind } } },
        ]);
        return { secret, sequence };
      },
      checkApiKey: async ({ keyHash }) => {
        const key = this.keys.get(Buffer.from(keyHash).toString("hex"));
        if (key === undefined) throw new RpcError("unauthenticated", "no such key");
        return { key };
      },
      getNamespace: async ({ idOrName }) => {
        const namespace = this.namespaces.get(idOrName);
        if (namespace === undefined) throw new RpcError("not_found", "no such namespace");
        return { namespace };
      },
    };
  }

  /** Asks devices for data from now on; the newest in the list has the highest number. */
  async ask(
    namespace: string,
    asked: MessageInitShape<typeof registry.DataRequestedSchema>,
  ): Promise<bigint> {
    const id = randomBytes(4).toString("hex");
    const event = { event: { case: "dataRequested" as const, value: asked } };
    const number = await this.decide(namespace, "data-request", id, [event]);
    const open = this.requests.get(namespace) ?? [];
    this.requests.set(namespace, [...open, { id, number, asked, state: "open" }]);
    // Heard of, and asked for, only now: as another service would be.
    await this.decide(namespace, "data-request", `${id}-seen`, []);
    return number;
  }

  private offersService(): Partial<ServiceImpl<typeof offers.OffersService>> {
    return {
      listOpenRequests: async ({ namespace }) => {
        this.count("listOpenRequests");
        return { requests: this.requests.get(namespace) ?? [], sequence: 0n };
      },
      offer: async (asked) => {
        this.count("offer");
        if (this.offersAreAway) throw new RpcError("unavailable", "away");
        this.offered.push(asked);
        // What says no sensor 0 is not wanted.
        const answers = asked.offers.map(({ sensor }, index) => ({
          token: sensor === "0" ? `${asked.identity.replaceAll("/", "-")}-${index}` : "",
        }));
        return { answers, sequence: 0n };
      },
    };
  }

  private subscriptionsService(): Partial<ServiceImpl<typeof subscriptions.SubscriptionsService>> {
    return {
      getSubscription: async ({ namespace, id }) => {
        this.count("getSubscription");
        const subscription = this.subscriptions.get(id);
        if (subscription?.namespace !== namespace) throw new RpcError("not_found", "no such subscription");
        return { subscription };
      },
    };
  }

  private devicesService(): Partial<ServiceImpl<typeof devices.DevicesService>> {
    return {
      registerDevice: async ({ namespace, dialect, metadata, sensors }) => {
        this.failOnce("registerDevice");
        const id = String(1_000_000_000_000_000 + Math.floor(Math.random() * 8_000_000_000_000_000));
        const added = sensors.map(({ sensorType, details }, index) => ({
          ...{ id: String(index), sensorType, removed: false },
          ...(details ? { details } : {}),
        }));
        const sequence = await this.decide(namespace, "device", id, [
          { event: { case: "deviceRegistered", value: { dialect } } },
        ]);
        const device: Device = { id, dialect, sensors: added, registeredAt: 0n, sequence };
        if (metadata) device.metadata = metadata;
        this.devices.set(`${namespace}/${id}`, device);
        return { device };
      },
      removeDevice: async ({ namespace, device }) => {
        this.count("removeDevice");
        this.devices.delete(`${namespace}/${device}`);
        const removed = { event: { case: "deviceRemoved" as const, value: {} } };
        return { sequence: await this.decide(namespace, "device", device, [removed]) };
      },
      updateDevice: async ({ namespace, device: id, newSensors, removedSensors, metadata, decidedBy }) => {
        this.count("updateDevice");
        this.failOnce("updateDevice");
        const device = this.found(namespace, id);
        for (const removed of removedSensors) {
          const sensor = device.sensors.find((one) => one.id === removed);
          if (sensor === undefined) {
            throw new RpcError("failed_precondition", "no such sensor", { sensor: removed });
          }
          sensor.removed = true;
        }
        const added = newSensors.map(({ sensorType }, index) => ({
          ...{ id: String(device.sensors.length + index), sensorType, removed: false },
        }));
        device.sensors.push(...added);
        const changed = added.length + removedSensors.length > 0 || metadata?.name !== undefined;
        if (metadata) device.metadata = metadata;
        if (changed) {
          const events = added.map(({ id: sensor, sensorType }) => ({
            event: { case: "sensorAdded" as const, value: { sensor, sensorType } },
          }));
          device.sequence = await this.decide(namespace, "device", id, events, decidedBy);
        }
        return { device, changed, newSensorIds: added.map((sensor) => sensor.id) };
      },
      getDevice: async ({ namespace, device }) => {
        this.count("getDevice");
        this.failOnce("getDevice");
        return { device: this.found(namespace, device) };
      },
      confirmMetadata: async ({ namespace, device: id, sequence }) => {
        this.count("confirmMetadata");
        const device = this.found(namespace, id);
        if (!device.metadataChanged || device.sequence > sequence) return {};
        device.metadataChanged = false;
        const delivered = { event: { case: "deviceMetadataDelivered" as const, value: {} } };
        device.sequence = await this.decide(namespace, "device", id, [delivered], `device:${id}`);
        return {};
      },
      createEditToken: async ({ namespace, device }) => {
        this.found(namespace, device);
        return { token: `${device}-${"t".repeat(64)}`, expiresAt: BigInt(Date.now() + 1_800_000) };
      },
    };
  }

  /** A user gives a device a new name. */
  async rename(namespace: string, id: string, name: string): Promise<void> {
    const device = this.found(namespace, id);
    device.metadata = create(registry.DeviceMetadataSchema, { ...device.metadata, name });
    device.metadataChanged = true;
    const changed = { event: { case: "deviceMetadataChanged" as const, value: { metadata: { name } } } };
    device.sequence = await this.decide(namespace, "device", id, [changed], "user:1");
  }

  private failOnce(method: string): void {
    const code = this.failsWith.get(method);
    this.failsWith.delete(method);
    if (code !== undefined) throw new RpcError(code, `${method} failed`);
  }

  private found(namespace: string, id: string): Device {
    const device = this.devices.get(`${namespace}/${id}`);
    if (device === undefined) throw new RpcError("not_found", "no such device");
    return device;
  }
}

export interface Edge {
  readonly url: string;
  /** Where there is a certificate. */
  readonly https: string | undefined;
  readonly port: number;
  /** Of the API, as `METHOD /path/{parameter}`; HEAD goes with GET. */
  readonly routes: ReadonlySet<string>;
  /** What it would answer at /metrics of the operator's port. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

/** The edge itself, on a free port of this machine. */
export async function startEdge(
  natsUrl: string,
  neighbours: Pick<Neighbours, "address">,
  more: Partial<Settings> = {},
): Promise<Edge> {
  const settings = readSettings(
    {},
    {
      ...{ natsUrl, httpPort: 0, logLevel: "silent", internalToken: TOKEN },
      ...{ authGrpc: neighbours.address, devicesGrpc: neighbours.address },
      ...{ subscriptionsGrpc: neighbours.address, offersGrpc: neighbours.address },
      ...more,
    },
  );
  const runtime = createRuntime("edge-http", settings);
  let addresses: Addresses = { http: "" };
  const routes = new Set<string>();
  const module = EdgeHttpModule.with(runtime, {
    onListening: (opened) => {
      addresses = opened;
    },
    onRoute: ({ methods, path, refuses }) => {
      const described = path.replaceAll(/:(\w+)/g, "{$1}").replace("*", "{path}");
      for (const method of methods) if (!refuses && method !== "HEAD") routes.add(`${method} ${described}`);
    },
  });
  const hosted = await hostModule(runtime, module);
  const { http: url, https } = addresses;
  const metrics = () => runtime.metrics.metrics();
  return { url, https, port: Number(new URL(url).port), routes, metrics, stop: () => hosted.close() };
}

/** Every signal in a namespace's log, in order. */
export async function signalsIn(log: EventLog, namespace: string): Promise<signals.Signal[]> {
  const last = await log.lastSequence(SIGNALS);
  const found: signals.Signal[] = [];
  if (last === 0) return found;
  const stop = new AbortController();
  for await (const commits of log.read(SIGNALS, { after: 0, signal: stop.signal })) {
    for (const { subject, data, sequence } of commits) {
      if (subject === `signals.${namespace}`) found.push(...decodeBatch(data));
      if (sequence >= last) stop.abort();
    }
  }
  return found;
}
