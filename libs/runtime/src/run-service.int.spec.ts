import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";

// Real processes, because signals and exit codes are what is promised. They import the built package.
const processes: ChildProcess[] = [];
afterEach(() => {
  for (const child of processes.splice(0)) child.kill("SIGKILL");
});

function run(addParts: string, env: NodeJS.ProcessEnv = {}) {
  const main = `
    import { runService } from "@fieldlog/runtime";
    class ExampleModule {}
    await runService("example", ({ lifecycle, logger }) => {
      ${addParts}
      return { module: ExampleModule };
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", main], {
    cwd: import.meta.dirname,
    env: { PATH: process.env["PATH"], ...env },
  });
  processes.push(child);
  let output = "";
  const listen = (chunk: Buffer) => {
    output += chunk;
    child.emit("output");
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  return {
    child,
    exit: once(child, "close").then(([code]) => ({ code, output })),
    async says(text: string) {
      while (!output.includes(text)) await once(child, "output");
      return output;
    },
  };
}

const part = (name: string, more = "") => `lifecycle.add({
  name: "${name}",
  start: async () => logger.info("${name} on"),
  stop: async () => logger.info("${name} off"),
  ${more}
});`;

describe("a service's process", () => {
  it("names what is wrong with its settings and ends with 1", async () => {
    const { exit } = run("", { FIELDLOG_HTTP_PROT: "1" });
    const { code, output } = await exit;
    expect(code).toBe(1);
    expect(output).toContain("FIELDLOG_HTTP_PROT is not a setting; did you mean FIELDLOG_HTTP_PORT?");
  });

  it("stops its parts in reverse at SIGTERM and ends with 0", async () => {
    const { child, exit, says } = run(part("log") + part("server"), { FIELDLOG_OPS_PORT: "0" });
    await says('"started"');
    child.kill("SIGTERM");
    const { code, output } = await exit;
    expect(code).toBe(0);
    expect(output).toMatch(/log on.*server on.*stopping.*server off.*log off.*stopped/s);
  });

  it("ends also when nobody reads its output any more", async () => {
    const { child, says } = run(part("log") + part("server"), { FIELDLOG_OPS_PORT: "0" });
    await says('"started"');
    const exited = once(child, "exit");
    child.stdout.destroy();
    child.stderr.destroy();
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  });

  it("opens the operator's port before it starts", async () => {
    const { child, exit, says } = run(part("slow", "start: () => new Promise(() => {}),"), {
      FIELDLOG_OPS_PORT: "0",
    });
    const port = /"port":(\d+)/.exec(await says("operator's port open"))?.[1];
    const [alive, ready] = await Promise.all(
      ["healthz", "readyz"].map((path) => fetch(`http://127.0.0.1:${port}/${path}`)),
    );
    expect(alive?.status).toBe(200);
    expect(ready?.status).toBe(503);
    child.kill("SIGINT");
    expect((await exit).code).toBe(0);
  });

  it("ends with 1 when a part does not start, after stopping the others", async () => {
    const { exit } = run(
      part("log") + part("server", 'start: async () => { throw new Error("port taken"); },'),
    );
    const { code, output } = await exit;
    expect(code).toBe(1);
    expect(output).toMatch(/log off.*"fatal".*port taken/s);
  });

  it.each(["throw new Error('broke')", "Promise.reject(new Error('broke'))"])(
    "logs what nobody caught and ends with 1: %s",
    async (failing) => {
      const { exit } = run(part("x", `start: async () => void setTimeout(() => { ${failing} }, 50),`));
      const { code, output } = await exit;
      expect(code).toBe(1);
      expect(output).toMatch(/"fatal".*broke/);
    },
  );
});
