import { Module } from "@nestjs/common";
import { describe, expect, it } from "vitest";
import { hostModule } from "./host.js";
import { counter, gauge } from "./metrics.js";
import { answerOps, listenOps } from "./ops.js";
import { createRuntime } from "./runtime.js";
import { readSettings } from "./settings.js";

@Module({})
class ExampleModule {}

const settings = readSettings({ FIELDLOG_LOG_LEVEL: "silent" });

describe("a hosted module", () => {
  it("is ready from the end of its start to the beginning of its stop", async () => {
    const runtime = createRuntime("example", settings);
    const seen: string[] = [];
    const note = async () => void seen.push((await runtime.health.report()).checks["lifecycle"] ?? "");
    runtime.lifecycle.add({ name: "part", start: note, stop: note });
    await note();
    const hosted = await hostModule(runtime, { module: ExampleModule });
    await note();
    await hosted.close();
    await note();
    expect(seen).toEqual(["new", "starting", "ok", "stopping", "stopped"]);
  });

  it("that does not start is closed, and its error thrown", async () => {
    const runtime = createRuntime("example", settings);
    runtime.lifecycle.add({ name: "part", start: () => Promise.reject(new Error("port taken")) });
    await expect(hostModule(runtime, { module: ExampleModule })).rejects.toThrow("port taken");
    expect(runtime.lifecycle.phase).toBe("stopped");
  });

  it("whose wiring fails throws, and does not end the process", async () => {
    const failing = { provide: "x", useFactory: () => Promise.reject(new Error("no log")) };
    const module = { module: ExampleModule, providers: [failing] };
    await expect(hostModule(createRuntime("example", settings), module)).rejects.toThrow("no log");
  });
});

describe("services in one process", () => {
  it("share metrics and health, and have their own lifecycles", async () => {
    const whole = createRuntime("fieldlog", settings);
    const auth = createRuntime("auth", settings, { within: whole });
    const devices = createRuntime("devices", settings, { within: whole });
    const config = { name: "fieldlog_example_total", help: "Example." };
    expect(counter(auth.metrics, config)).toBe(counter(devices.metrics, config));
    await auth.lifecycle.start();
    await whole.lifecycle.start();
    expect(await whole.health.report()).toEqual({
      ready: false,
      checks: { lifecycle: "ok", "auth.lifecycle": "ok", "devices.lifecycle": "new" },
    });
    const exposed = await whole.metrics.metrics();
    expect(exposed).toContain('fieldlog_ready{check="auth.lifecycle"} 1');
    expect(exposed).toContain('fieldlog_ready{check="devices.lifecycle"} 0');
  });

  it("fill a metric together, each under its own label, and anew each time", async () => {
    const { metrics } = createRuntime("fieldlog", settings);
    for (const service of ["auth", "devices"]) {
      const config = { help: "Example.", labelNames: ["service"] as const };
      gauge(metrics, {
        ...{ ...config, name: "fieldlog_example" },
        collect() {
          this.set({ service }, 1);
        },
      });
      counter(metrics, {
        ...{ ...config, name: "fieldlog_examples_total" },
        async collect() {
          await undefined;
          this.inc({ service }, 2);
        },
      });
    }
    for (const exposed of [await metrics.metrics(), await metrics.metrics()]) {
      expect(exposed).toContain('fieldlog_example{service="auth"} 1\nfieldlog_example{service="devices"} 1');
      expect(exposed).toContain(
        'fieldlog_examples_total{service="auth"} 2\nfieldlog_examples_total{service="devices"} 2',
      );
    }
  });

  it("count what they log, from warnings on", async () => {
    const lines: string[] = [];
    const logTo = { write: (line: string) => void lines.push(line) };
    const { logger, metrics } = createRuntime("auth", readSettings({}), { logTo });
    logger.info("usual");
    logger.warn("odd");
    logger.child({ namespace: "default" }).error("wrong");
    expect(lines).toHaveLength(3);
    const exposed = await metrics.metrics();
    for (const [level, n] of Object.entries({ warn: 1, error: 1, fatal: 0 })) {
      expect(exposed).toContain(`fieldlog_log_entries_total{service="auth",level="${level}"} ${n}`);
    }
    expect(exposed).not.toContain('level="info"');
  });
});

describe("the operator's port", () => {
  it("tells whether the service is alive and ready, and its metrics", async () => {
    const runtime = createRuntime("example", settings);
    runtime.health.add("database", async () => "connection refused");
    await runtime.lifecycle.start();
    const ops = await listenOps(runtime, 0);
    const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${ops.port}${path}`, init);
    try {
      expect((await get("/healthz")).status).toBe(200);
      const ready = await get("/readyz?verbose");
      expect(ready.status).toBe(503);
      expect(await ready.json()).toEqual({
        ready: false,
        checks: { lifecycle: "ok", database: "connection refused" },
      });
      expect(await (await get("/metrics")).text()).toContain("process_resident_memory_bytes");
      expect((await get("/other")).status).toBe(404);
      expect((await get("/healthz", { method: "POST" })).status).toBe(404);
    } finally {
      await ops.close();
    }
  });

  it("may be elsewhere than the doors", async () => {
    const runtime = createRuntime("example", readSettings({ FIELDLOG_OPS_BIND: "127.0.0.2" }));
    const ops = await listenOps(runtime, 0);
    try {
      expect((await fetch(`http://127.0.0.2:${ops.port}/healthz`)).status).toBe(200);
      await expect(fetch(`http://127.0.0.1:${ops.port}/healthz`)).rejects.toThrow();
    } finally {
      await ops.close();
    }
  });

  it("leaves other paths to the service", async () => {
    expect(await answerOps(createRuntime("example", settings), "/v1/namespaces")).toBeUndefined();
  });
});
