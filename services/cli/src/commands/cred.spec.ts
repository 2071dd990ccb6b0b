import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { credrcPlaces } from "../credrc/places.js";
import { type Answer, staged } from "../staged.fixture.js";

const FIELDS = {
  ...{ SSL: "False", approot: "127.0.0.1", host: "'*'", port: "5000", scheduler: "True" },
  ...{ schedulerPeriod: "20", pingtimeout: "120", database: "\n  type: sqlite3\n  database: cred-server.db" },
};

function yaml(fields: Record<string, string>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldlog-credrc-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a file, and the folders to it. */
function put(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function at(answers: Answer[] = [], env: NodeJS.ProcessEnv = {}) {
  mkdirSync(join(folder, "work"), { recursive: true });
  const places = {
    HOME: join(folder, "home"),
    XDG_DATA_HOME: join(folder, "user"),
    XDG_DATA_DIRS: join(folder, "site"),
  };
  return staged(answers, {
    cwd: join(folder, "work"),
    env: { FIELDLOG_ADMIN_KEY: "fl_admin", ...places, ...env },
  });
}

const SETTINGS = [
  "FIELDLOG_BIND=0.0.0.0\nFIELDLOG_HTTP_PORT=5000\n",
  "FIELDLOG_CRED_SCHEDULER=true\nFIELDLOG_CRED_SCHEDULER_PERIOD_S=20\nFIELDLOG_CRED_PING_TIMEOUT_S=120\n",
].join("");

describe("cred config", () => {
  it("prints what a file amounts to", async () => {
    const path = put("old", yaml(FIELDS));
    const { run, said } = at();
    expect(await run(`cred config --config ${path}`)).toBe(0);
    expect(said.out).toBe(`Using configuration at ${path}\n${SETTINGS}`);
  });

  it("finds the file where the original looks, in its order", async () => {
    const [, , user = "", site = ""] = credrcPlaces({
      ...{ cwd: folder, home: folder, platform: process.platform },
      env: { XDG_DATA_HOME: join(folder, "user"), XDG_DATA_DIRS: `${join(folder, "site")}:/other` },
    });
    const names = ["work/credrc", "home/.credrc", ...(process.platform === "linux" ? [user, site] : [])];
    for (const name of names.toReversed()) {
      const path = put(name.replace(`${folder}/`, ""), yaml(FIELDS));
      const { run, said } = at();
      expect(await run("cred config")).toBe(0);
      expect(said.out).toBe(`Using configuration at ${path}\n${SETTINGS}`);
    }
  });

  it("is the original's defaults where there is none", async () => {
    const { run, said } = at();
    expect(await run("cred config --json")).toBe(0);
    expect(JSON.parse(said.out)).toEqual({
      path: null,
      settings: {
        ...{ FIELDLOG_BIND: "0.0.0.0", FIELDLOG_HTTP_PORT: "5000", FIELDLOG_CRED_SCHEDULER: "false" },
        ...{ FIELDLOG_CRED_SCHEDULER_PERIOD_S: "30", FIELDLOG_CRED_PING_TIMEOUT_S: "240" },
      },
    });
  });

  const { port: _, ...fewer } = FIELDS;
  it.each([
    ["too few fields", yaml(fewer)],
    ["too many fields", yaml({ ...FIELDS, debug: "True" })],
    ["the seed's lost indentation", yaml({ ...FIELDS, type: "sqlite3" })],
    ["no mapping", "- 1\n"],
    ["nothing", ""],
    ["no YAML", "{"],
    ["too much", `${yaml(FIELDS)}#${"x".repeat(100_000)}`],
  ])("refuses a file with %s in the original's words, and ends with 1", async (_name, text) => {
    const path = put("bad", text);
    const { run, said } = at();
    expect(await run(`cred config --config ${path}`)).toBe(1);
    expect(said.out).toBe("Invalid configuration file! (either missing or too many fields!)\n");
  });

  it("refuses values that cannot be settings, and a file that is not there", async () => {
    const { run, said } = at();
    const path = put("bad", yaml({ ...FIELDS, port: "many" }));
    expect(await run(`cred config --config ${path}`)).toBe(1);
    expect(await run("cred config --config nowhere")).toBe(1);
    expect(said.out).toBe(
      "Invalid configuration file! (port must be a whole number)\nFound no file at nowhere\n",
    );
  });
});

describe("cred gen", () => {
  const created = { status: 201, body: { id: "k1", key: "abc", kind: "cred" } };

  it.each([
    ["--read", "read"],
    ["--write --read", "write"],
    ["--read --write --admin", "admin"],
  ])("%s makes a key with permission %s", async (options, permission) => {
    const { run, asked, said } = at([created]);
    expect(await run(`cred gen ${options}`)).toBe(0);
    expect(asked).toMatchObject([
      {
        method: "POST",
        url: "http://127.0.0.1:8080/v1/namespaces/default/api-keys",
        body: { kind: "cred", permission },
      },
    ]);
    expect(said.out).toBe(`Generated API key with ${permission} permission: abc\n`);
  });

  it("lists cred's keys that are good, whatever else is asked", async () => {
    const keys = [
      { id: "1", kind: "cred", permission: "read", prefix: "AAAAAAAA" },
      { id: "2", kind: "native", permission: "admin", prefix: null },
      { id: "3", kind: "cred", permission: "write", prefix: "BBBBBBBB", revokedAt: "2026-01-01T00:00:00Z" },
    ];
    const { run, said } = at([{ body: { keys } }]);
    expect(await run("cred gen --list --admin")).toBe(0);
    expect(said.out).toBe("Listing API keys:\n    AAAAAAAA… (read)\n");
  });

  it("asks for a permission where none is given, and that is no failure", async () => {
    const { run, said } = at();
    expect(await run("cred gen")).toBe(0);
    expect(said.out).toBe("Please choose a permission level.\n");
  });

  it("speaks to the server of the file that is given", async () => {
    const path = put("old", yaml(FIELDS));
    const { run, asked, said } = at([created]);
    expect(await run(`cred gen --write --config ${path}`)).toBe(0);
    expect(asked[0]?.url).toBe("http://127.0.0.1:5000/v1/namespaces/default/api-keys");
    expect(said.out).toMatch(/^Using configuration at .*\nGenerated API key with write permission: abc\n$/);
  });
});
