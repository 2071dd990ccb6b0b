import { createLogger, createMetrics, Health } from "@fieldlog/runtime";
import { describe, expect, it } from "vitest";
import { credRoutes } from "../cred/routes.js";
import { csnRoutes } from "../csn/routes.js";
import { ingestionRoutes } from "../edge-impulse/ingestion/routes.js";
import { opsRoutes } from "../http/ops-routes.js";
import { RequestCounts } from "../http/request-counts.js";
import { createFastify } from "../http/server.js";
import { tentaRoutes } from "../tenta/routes.js";
import { downloadRoutes } from "../uploads/download-routes.js";
import { uploadsRoutes } from "../uploads/uploads-routes.js";
import { addNative } from "./add-native.js";
import { openapi } from "./openapi.js";

/** Every route of the server, as `METHOD /path/{parameter}`; HEAD goes with GET. */
async function routesOfServer(): Promise<string[]> {
  const routes: string[] = [];
  const listed = () => {
    const app = createFastify();
    app.addHook("onRoute", ({ method, url, config }) => {
      // What only refuses is no route of the API.
      if (config !== undefined && "refuses" in config) return;
      const path = url.replaceAll(/:(\w+)/g, "{$1}");
      for (const one of [method].flat()) if (one !== "HEAD") routes.push(`${one} ${path}`);
    });
    return app;
  };
  const dialects = listed();
  const nothing = {} as never;
  const metrics = createMetrics();
  const logger = createLogger("test", "silent");
  const counts = new RequestCounts(metrics);
  const running = { traced: false, stopping: () => false, now: Date.now };
  const options = { door: nothing, commands: nothing, lookups: nothing, data: nothing, publicBase: () => "" };
  await dialects.register(csnRoutes, { ...options, counts, logger, ...running });
  const uploading = {
    uploads: nothing,
    resumable: nothing,
    counts,
    logger,
    ...running,
    idleMs: 1,
    underWay: nothing,
  };
  await dialects.register(uploadsRoutes, uploading);
  const downloading = { readings: nothing, access: nothing, known: nothing, counts, logger };
  await dialects.register(downloadRoutes, downloading);
  await dialects.register(opsRoutes, { runtime: { metrics, health: new Health() } });
  await dialects.register(tentaRoutes, { handles: nothing, counts, logger, ...running });
  const boards = { ingestion: nothing, room: nothing, projects: nothing, underWay: nothing };
  await dialects.register(ingestionRoutes, { ...boards, counts, logger, ...running });
  const cred = { handles: nothing, publicUrl: undefined };
  await dialects.register(credRoutes, { ...cred, counts, logger, ...running });
  const parts = {
    streams: nothing,
    subscriptions: nothing,
    publishing: nothing,
    access: nothing,
    known: nothing,
    ownWrites: nothing,
    auth: nothing,
    devices: nothing,
    offers: nothing,
    liveness: nothing,
    sampling: nothing,
    properties: nothing,
    provisioning: nothing,
    readings: nothing,
    sampleStore: nothing,
    streamService: nothing,
    signing: nothing,
    editors: nothing,
    publicBase: nothing,
    webSocketBase: nothing,
    remote: nothing,
    pictureStreams: nothing,
  };
  const close = await addNative(listed(), { ...parts, projections: nothing, log: nothing, logger });
  await close();
  return routes;
}

describe("the OpenAPI document", () => {
  it("has every route of the server, and none that is not there", async () => {
    const described = Object.entries(openapi.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // What catches unknown CSN paths is no route of the API.
    const catching = ["POST /api", "POST /api/*"];
    const served = (await routesOfServer()).filter((route) => !catching.includes(route));
    expect(new Set(served)).toEqual(new Set(described));
  });

  it("refers only to schemas that it has", () => {
    const text = JSON.stringify(openapi);
    const names = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(openapi.components.schemas).toHaveProperty(name);
  });
});
