import { mkdtempSync, rmSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keptSecret, OtherInstallationKey } from "./secrets.js";

describe("a secret of the installation", () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "fieldlog-secrets-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it("is made once and kept where only its owner reads", async () => {
    const first = await keptSecret(dataDir, "admin-key", undefined);
    expect(first).toMatchObject({ isNew: true, value: expect.stringMatching(/^fl_[\w-]{43}$/) });
    expect(statSync(first.file).mode & 0o777).toBe(0o600);
    expect(await keptSecret(dataDir, "admin-key", undefined)).toEqual({ ...first, isNew: false });
  });

  it("is the given one, also at later starts that give none", async () => {
    const given = "given-at-the-first-start";
    expect((await keptSecret(dataDir, "admin-key", given)).value).toBe(given);
    expect((await keptSecret(dataDir, "admin-key", undefined)).value).toBe(given);
  });

  it("may not be exchanged when it sealed what is there", async () => {
    await keptSecret(dataDir, "installation-key", undefined);
    for (const given of ["another", "another,third"]) {
      await expect(keptSecret(dataDir, "installation-key", given)).rejects.toThrow(OtherInstallationKey);
    }
  });

  it("that sealed what is there is exchanged in steps, each with a key of the step before, which is kept", async () => {
    const { file } = await keptSecret(dataDir, "installation-key", "old");
    const before = async () => (await readFile(`${file}.before`, "utf8")).trim();
    for (const given of ["old,new", "new,old", "new"]) {
      const former = (await keptSecret(dataDir, "installation-key", undefined)).value;
      expect((await keptSecret(dataDir, "installation-key", given)).value).toBe(given);
      expect((await keptSecret(dataDir, "installation-key", undefined)).value).toBe(given);
      expect(await before()).toBe(former);
      expect(statSync(`${file}.before`).mode & 0o777).toBe(0o600);
    }
    await expect(keptSecret(dataDir, "installation-key", "old")).rejects.toThrow(OtherInstallationKey);
  });
});
