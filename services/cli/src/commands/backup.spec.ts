import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { natsUrl } from "../api/servers.js";
import { staged } from "../staged.fixture.js";

describe("backup and restore", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "fieldlog-cli-"));
    mkdirSync(join(folder, ".fieldlog", "nats"), { recursive: true });
    writeFileSync(join(folder, ".fieldlog", "nats", "nats.conf"), 'listen: "127.0.0.1:4333"\n');
    writeFileSync(join(folder, ".fieldlog", "nats", "password"), "se:cret\n");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("find NATS by its setting, else in the data folder of npm start, upwards", async () => {
    expect(natsUrl({ env: { FIELDLOG_NATS_URL: "nats://a@b" }, cwd: folder })).toBe("nats://a@b");
    const below = { env: {}, cwd: join(folder, "deeper") };
    expect(natsUrl(below)).toBe("nats://fieldlog:se%3Acret@127.0.0.1:4333");
    const several = join(folder, "several", ".fieldlog", "nats-cluster");
    for (const n of [1, 2, 3]) {
      mkdirSync(join(several, `nats-${n}`), { recursive: true });
      writeFileSync(join(several, `nats-${n}`, "nats.conf"), `listen: "127.0.0.1:433${n}"\n`);
    }
    writeFileSync(join(several, "password"), "secret\n");
    expect(natsUrl({ env: {}, cwd: join(folder, "several") })).toBe(
      [1, 2, 3].map((n) => `nats://fieldlog:secret@127.0.0.1:433${n}`).join(","),
    );
    const { run, said } = staged([], { env: {}, cwd: tmpdir() });
    expect(await run("backup x")).toBe(1);
    expect(said.err).toContain("FIELDLOG_NATS_URL");
  });

  it("do nothing without the database whose tables belong to the log, nor to what is there without being sure", async () => {
    const { run, said } = staged([], { env: {}, cwd: folder });
    expect(await run("restore kept")).toBe(1);
    expect(said.err).toContain("FIELDLOG_POSTGRES_URL");
    const sure = staged([], { env: { FIELDLOG_POSTGRES_URL: "postgres://x" }, cwd: folder });
    expect(await sure.run("restore kept --replace")).toBe(1);
    expect(sure.said.err).toContain("nothing was changed");
    expect(await sure.run("restore kept")).toBe(1);
    expect(sure.said.err).toContain("holds no manifest.json");
    expect(await sure.run("restore kept --reserve -1")).toBe(2);
  });

  it("teach: what is in a backup, what is not, and what comes next", async () => {
    const { run, said } = staged();
    expect(await run("backup --help")).toBe(0);
    expect(said.out).toContain("installation key");
    expect(await run("restore --help")).toBe(0);
    expect(said.out.replace(/\s+/g, " ")).toContain("stop all services first");
  });
});
