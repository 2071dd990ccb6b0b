import { describe, expect, it } from "vitest";
import { Lifecycle, type LifecyclePart } from "./lifecycle.js";
import { createLogger } from "./logger.js";

function recording() {
  const lines: string[] = [];
  const steps: string[] = [];
  const lifecycle = new Lifecycle(
    createLogger("test", "info", { destination: { write: (line) => void lines.push(line) } }),
  );
  const part = (name: string, more: Partial<LifecyclePart> = {}): LifecyclePart => ({
    name,
    start: async () => void steps.push(`${name} on`),
    stop: async () => void steps.push(`${name} off`),
    ...more,
  });
  return { lifecycle, steps, part, lines };
}

describe("a lifecycle", () => {
  it("starts in order and stops in reverse, once", async () => {
    const { lifecycle, steps, part } = recording();
    lifecycle.add(part("log"));
    lifecycle.add({ name: "nothing to do" });
    lifecycle.add(part("server"));
    await lifecycle.start();
    expect(lifecycle.phase).toBe("started");
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    expect(steps).toEqual(["log on", "server on", "server off", "log off"]);
    expect(lifecycle.phase).toBe("stopped");
    await expect(lifecycle.start()).rejects.toThrow("cannot start: stopped");
  });

  it("starts what a part adds while it starts", async () => {
    const { lifecycle, steps, part } = recording();
    lifecycle.add(part("module", { start: async () => lifecycle.add(part("server")) }));
    await lifecycle.start();
    expect(steps).toEqual(["server on"]);
    expect(() => lifecycle.add(part("late"))).toThrow("cannot add late: started");
  });

  it("stops what had begun when a part does not start", async () => {
    const { lifecycle, steps, part } = recording();
    lifecycle.add(part("log"));
    lifecycle.add(part("server", { start: () => Promise.reject(new Error("port taken")) }));
    lifecycle.add(part("never"));
    await expect(lifecycle.start()).rejects.toThrow("port taken");
    expect(steps).toEqual(["log on", "server off", "log off"]);
  });

  it("stops the others when one fails or takes too long", async () => {
    const { lifecycle, steps, part, lines } = recording();
    lifecycle.add(part("log"));
    lifecycle.add(part("stuck", { stop: () => new Promise(() => {}), stopMs: 10 }));
    lifecycle.add(part("broken", { stop: () => Promise.reject(new Error("broken")) }));
    await lifecycle.start();
    await lifecycle.stop();
    expect(steps.at(-1)).toBe("log off");
    expect(lines.join()).toMatch(/broken.*not stopped within 10 ms/s);
  });

  it("asked to stop while it starts, starts no more", async () => {
    const { lifecycle, steps, part } = recording();
    let stopped: Promise<void> | undefined;
    lifecycle.add(
      part("log", {
        start: async () => {
          stopped = lifecycle.stop();
        },
      }),
    );
    lifecycle.add(part("server"));
    await expect(lifecycle.start()).rejects.toThrow("stopped while starting");
    await stopped;
    expect(steps).toEqual(["log off"]);
    expect(lifecycle.phase).toBe("stopped");
  });
});
