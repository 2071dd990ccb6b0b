import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { freePort, isFree } from "./ports.js";

const blockOf = (port: number) => Math.floor((port - 20_000) / 64);

describe("a free port", () => {
  it("is another one each time, also for those who ask at once and beyond a block", async () => {
    const ports = await Promise.all(Array.from({ length: 150 }, () => freePort()));
    expect(new Set(ports).size).toBe(150);
    for (const port of ports) expect(await isFree(port)).toBe(true);
  });

  it("is of a block in which no other process has any", async () => {
    const module = JSON.stringify(new URL("../../dist/process/ports.js", import.meta.url).href);
    const script = `import(${module}).then(async ({ freePort }) => console.log(await freePort()))`;
    const others = Array.from({ length: 3 }, () => promisify(execFile)(process.execPath, ["-e", script]));
    const mine = blockOf(await freePort());
    const theirs = (await Promise.all(others)).map(({ stdout }) => blockOf(Number(stdout)));
    expect(theirs).not.toContain(mine);
  });

  it("is the preferred one where that is free", async () => {
    const port = await freePort();
    expect(await freePort(port)).toBe(port);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    expect(await freePort(port)).not.toBe(port);
    await new Promise((resolve) => server.close(resolve));
  });
});
