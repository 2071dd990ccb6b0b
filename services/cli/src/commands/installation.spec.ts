import { describe, expect, it } from "vitest";
import { staged } from "../staged.fixture.js";

const OLD = "00000000000000aa";
const NEW = "00000000000000bb";

const page = (service: string, found: Record<string, number>, resealed: number, next: string | null) => ({
  body: { service, keyIds: [NEW, OLD], found, resealed, next },
});

describe("installation reseal", () => {
  it("--check sums up what is sealed by which key, page by page", async () => {
    const { run, said, asked } = staged([
      page("auth", { [OLD]: 2 }, 0, "auth:user/"),
      page("auth", { [OLD]: 1, [NEW]: 4 }, 0, "offers:"),
      page("offers", { cc: 1 }, 0, null),
    ]);
    expect(await run("installation reseal --check")).toBe(0);
    expect(asked.map(({ method, url, body }) => [method, url.slice(21), body])).toEqual([
      ["POST", "/v1/installation/reseal", { check: true }],
      ["POST", "/v1/installation/reseal", { check: true, after: "auth:user/" }],
      ["POST", "/v1/installation/reseal", { check: true, after: "offers:" }],
    ]);
    expect(said.out).toBe(
      [
        "SERVICE  KEY               SEALED  THE SERVICE",
        `auth     ${NEW}       4  seals by it`,
        `auth     ${OLD}       3  opens it`,
        `offers   ${NEW}       0  seals by it`,
        `offers   ${OLD}       0  opens it`,
        "offers   cc                     1  does not have it",
        "",
      ].join("\n"),
    );
  });

  it("seals anew, and counts once more", async () => {
    const { run, said, asked } = staged([
      page("auth", { [OLD]: 3 }, 0, null),
      page("auth", { [OLD]: 2 }, 2, "auth:user/"),
      page("auth", { [OLD]: 1 }, 1, null),
      page("auth", { [NEW]: 3 }, 0, null),
    ]);
    expect(await run("installation reseal --json")).toBe(0);
    expect(asked.map(({ body }) => (body as { check: boolean }).check)).toEqual([true, false, false, true]);
    expect(JSON.parse(said.out)).toEqual({
      resealed: 3,
      services: [{ service: "auth", keyIds: [NEW, OLD], found: { [NEW]: 3 } }],
      sealedByOthers: 0,
    });
  });

  it("fails where something stays sealed by a key that is not there", async () => {
    const left = page("auth", { cc: 1 }, 0, null);
    const { run, said } = staged([left, left, left]);
    expect(await run("installation reseal")).toBe(1);
    expect(said.out).toContain("Sealed anew: 0.");
    expect(said.err).toContain("1 are still sealed by another key");
    expect(said.err).toContain("FIELDLOG_INSTALLATION_KEY");
  });
});
