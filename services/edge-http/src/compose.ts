import { hostname } from "node:os";
import { connectEdge, EventPublishing, OwnWrites, observeRefusals } from "@fieldlog/admission";
import { type AggregateId, limits } from "@fieldlog/contracts";
import { CursorRecords, observeDeliveries } from "@fieldlog/fan-out";
import { openObjects } from "@fieldlog/objects";
import { Pictures, RemoteDevices } from "@fieldlog/remote";
import {
  counter,
  gauge,
  publicBase,
  publicMqtt,
  type Runtime,
  ServerCertificate,
  webSocketBase,
} from "@fieldlog/runtime";
import { SampleStore } from "@fieldlog/samples";
import type { FastifyInstance } from "fastify";
import { Admission } from "./admit/admission.js";
import { ReplayGuard } from "./admit/replay-guard.js";
import { SignalsWatch } from "./admit/signals-watch.js";
import { addCred } from "./cred/add-cred.js";
import { Commands } from "./csn/commands.js";
import { DataOffers } from "./csn/data-offers.js";
import { Door } from "./csn/door.js";
import { Lookups } from "./csn/lookups.js";
import { csnRoutes } from "./csn/routes.js";
import { addIngestion } from "./edge-impulse/ingestion/add-ingestion.js";
import { addStudio } from "./edge-impulse/studio/add-studio.js";
import { editPage } from "./edit-page/edit-page.js";
import { opsRoutes } from "./http/ops-routes.js";
import { passOn } from "./http/pass-on.js";
import { RequestCounts } from "./http/request-counts.js";
import { addressOf } from "./http/sender-address.js";
import { type Addresses, createFastify, Listeners } from "./http/server.js";
import { Access } from "./native/access.js";
import { addNative } from "./native/add-native.js";
import { DeviceBound } from "./native/device-bound/device-bound.js";
import { Editors } from "./native/editing/editors.js";
import { addSealings } from "./native/installation/sealings.js";
import { Signing } from "./native/signed/signing.js";
import { PictureStreams } from "./native/snapshots/picture-streams.js";
import { EventStreams } from "./native/streams/event-streams.js";
import { addSpotflow } from "./spotflow/add-spotflow.js";
import { describeStatus } from "./tenta/about.js";
import { Access as TentaAccess } from "./tenta/access.js";
import { handlesOf } from "./tenta/handles.js";
import { tentaRoutes } from "./tenta/routes.js";
import { addUploads } from "./uploads/add-uploads.js";

export interface EdgeOptions {
  /** Told under which addresses the door can be reached, once it can. */
  readonly onListening?: (addresses: Addresses) => void;
  /** Told every route before that; `refuses`: it stands for none of the API. */
  readonly onRoute?: (route: { methods: readonly string[]; path: string; refuses: boolean }) => void;
}

/** Milliseconds that requests under way may take after the stop began. */
const DRAIN_MS = 8_000;

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime, options: EdgeOptions = {}): Promise<void> {
  const { settings, logger, metrics, lifecycle, health } = runtime;
  const now = Date.now;
  const windowMs = settings.signatureWindowS * 1000;

  const onDecision = (id: AggregateId) => {
    streams.decided(id);
    cred.decided(id);
  };
  const edge = await connectEdge(runtime, { now, onDecision });
  const { log, known } = edge;
  const records = await CursorRecords.open(log.connection, settings.replicas);
  const streams = new EventStreams({ log, known, records, holder: hostname(), logger, now });
  const remote = new RemoteDevices(log.connection);
  const pictures = new Pictures(remote, now);
  const pictureStreams = new PictureStreams({ pictures, known, now });
  const ownWrites = new OwnWrites();
  const deviceBound = new DeviceBound({ log, known, ownWrites, remote, now });
  const guard = new ReplayGuard({ windowMs });
  const access = new Access(known, now);
  const signing = new Signing({ known, access, log, ownWrites, windowMs, now });
  const signalsWatch = new SignalsWatch({
    ...{ log, guard, logger, windowMs, now },
    onSigned: (namespace, signal, position) => signing.learn(namespace, signal, position),
  });
  const admission = new Admission({
    ...{ log, guard, ownWrites },
    onCommit: (namespace, sequence) => signalsWatch.noteOwn(namespace, sequence),
  });
  const door = new Door({ known, admission, windowMs });
  const commands = new Commands({
    ...{ door, known, ownWrites, auth: edge.auth, devices: edge.devices, registry: log.registry },
  });

  const tenta = handlesOf(
    { ...edge, ownWrites, logger, now, access: new TentaAccess(known, now, settings.signUp) },
    describeStatus(settings, now()),
  );

  const dialects = listed(createFastify(), options);
  const listeners = new Listeners(dialects, settings, new ServerCertificate(runtime));
  const counts = new RequestCounts(metrics);
  const stopping = () => listeners.stopping;
  const traced = settings.otlpEndpoint !== undefined;
  const base = publicBase(settings);
  const data = new DataOffers({ known, offers: edge.offers });
  await dialects.register(csnRoutes, {
    door,
    commands,
    lookups: new Lookups({ known, ownWrites, projections: edge.projections }),
    data,
    publicBase: base,
    counts,
    logger,
    traced,
    stopping,
    now,
  });
  const sender = addressOf(settings);
  const tentaOptions = { handles: tenta, addressOf: sender, counts, logger, traced, stopping };
  await dialects.register(tentaRoutes, tentaOptions);
  const publishing = new EventPublishing({ log, known, ownWrites, now });
  const cred = await addCred(
    dialects,
    { edge, ownWrites, publishing, settings, now },
    { counts, logger, traced, stopping },
  );
  const readings = await addUploads(
    dialects,
    { edge, ownWrites, access, settings, now },
    { metrics, counts, logger, stopping },
  );
  const uploading = { counts, metrics, logger, stopping };
  await addIngestion(dialects, { edge, ownWrites, settings, now }, uploading);
  await addStudio(dialects, { edge, ownWrites, settings, now }, { counts, logger, stopping });
  const sockets = webSocketBase(settings);
  await addSpotflow(
    dialects,
    {
      ...{ ...edge, access, ownWrites, deviceBound, remote, publicBase: base, now },
      ...{ webSocketBase: sockets, publicMqtt: publicMqtt(settings), addressOf: sender },
      objects: openObjects(log.connection, settings),
    },
    { counts, logger, stopping },
  );
  await dialects.register(editPage);
  await dialects.register(opsRoutes, { runtime });
  // A server of its own, because Nest's hooks would stand in the way of the dialects' requests.
  const native = listed(createFastify(), options);
  native.addHook("onResponse", ({ method, routeOptions: { url } }, { statusCode }, done) => {
    counts.note(url === undefined ? "native" : `native ${method} ${url}`, statusCode);
    done();
  });
  const closeNative = await addNative(native, {
    ...{ ...edge, ownWrites, streams, streamService: edge.streams, logger },
    ...{ publishing, access, signing, readings, publicBase: base },
    sampleStore: new SampleStore({
      ...{ sampling: edge.sampling, objects: openObjects(log.connection, settings) },
      partBytes: limits.uploadPartBytes,
    }),
    editors: new Editors({ access, known, devices: edge.devices, now }),
    ...{ remote, deviceBound, pictureStreams, webSocketBase: sockets, sealings: addSealings(runtime) },
  });
  await dialects.register(passOn, { to: native });
  const close = async () => {
    await dialects.close();
    await closeNative();
  };

  lifecycle.add({
    name: "signals watch",
    start: () => signalsWatch.start(),
    stop: () => signalsWatch.stop(),
  });
  lifecycle.add({
    name: "HTTP",
    start: async () => {
      const addresses = await listeners.start();
      logger.info({ ...addresses }, `listening on ${Object.values(addresses).join(" and ")}`);
      options.onListening?.(addresses);
    },
    stop: () => listeners.stop(close, DRAIN_MS),
  });
  // Behind HTTP, so that they have ended when that waits for what is under way.
  lifecycle.add({
    name: "event streams",
    start: async () => streams.start(),
    stop: () => streams.stop(),
  });
  lifecycle.add({
    name: "picture streams",
    start: async () => pictureStreams.start(),
    stop: async () => pictureStreams.stop(),
  });

  health.add("replay protection", async () => signalsWatch.notReady());
  observe(runtime, { guard, streams, signing, pictureStreams, listeners, counts });
}

function listed(app: FastifyInstance, { onRoute }: EdgeOptions): FastifyInstance {
  if (onRoute === undefined) return app;
  return app.addHook("onRoute", ({ method, url: path, config }) => {
    onRoute({ methods: [method].flat(), path, refuses: config !== undefined && "refuses" in config });
  });
}

function observe(
  { metrics, service }: Runtime,
  { guard, streams, signing, pictureStreams, listeners, counts }: Observed,
): void {
  gauge(metrics, {
    name: "fieldlog_http_connections",
    help: "Open connections, by transport: http, https.",
    labelNames: ["transport"],
    collect() {
      for (const [transport, open] of Object.entries(listeners.open)) this.set({ transport }, open);
    },
  });
  // What else it remembers, beside who may do what.
  gauge(metrics, {
    name: "fieldlog_edge_cached_entries",
    help: "Entries that the edge keeps in memory of who may do what, by cache.",
    labelNames: ["service", "cache"],
    collect() {
      this.set({ service, cache: "replay" }, guard.size);
      this.set({ service, cache: "signed" }, signing.remembered.size);
    },
  });
  gauge(metrics, {
    name: "fieldlog_http_event_streams",
    help: "Streams of events that are open, and questions for events that wait for some.",
    collect() {
      this.set(streams.open.size);
    },
  });
  gauge(metrics, {
    name: "fieldlog_http_picture_streams",
    help: "Those who look at devices' pictures.",
    collect() {
      this.set(pictureStreams.size);
    },
  });
  counter(metrics, {
    name: "fieldlog_edge_replay_evictions_total",
    help: "Devices whose recent message ids were forgotten before their time.",
    collect() {
      this.inc(guard.evictions);
    },
  });
  observeRefusals({ metrics, service }, () => counts.refusals());
  observeDeliveries(metrics, { sse: streams.counts.sse, poll: streams.counts.poll });
}

interface Observed {
  readonly guard: ReplayGuard;
  readonly streams: EventStreams;
  readonly signing: Signing;
  readonly pictureStreams: PictureStreams;
  readonly listeners: Listeners;
  readonly counts: RequestCounts;
}
