import type { FastifyRequest } from "fastify";
import { describe, expect, it } from "vitest";
import type { NativeParts } from "../parts.js";
import { InstallationController } from "./installation.controller.js";
import { SEALING_SERVICES } from "./installation-schemas.js";

const [OLD, NEW] = ["00000000000000aa", "00000000000000bb"] as const;

/** Services that seal by the keys that are given, by default the new one; and who asks. */
function installation(keyIds: Record<string, readonly string[]> = {}) {
  const asked: { service: string; limit: number; after?: string; check: boolean }[] = [];
  const sealing = (service: string) => ({
    reseal: async (request: { limit: number; after?: string; check: boolean }) => {
      asked.push({ service, ...request });
      const next = request.limit > 0 && service === "offers" && request.after === "" ? "17" : "";
      return { keyIds: keyIds[service] ?? [NEW, OLD], found: { [OLD]: 3 }, resealed: 3, next };
    },
  });
  const sealings = Object.fromEntries(SEALING_SERVICES.map((service) => [service, sealing(service)]));
  const access = { installation: async () => ({ id: "admin" }) };
  const controller = new InstallationController({ access, sealings } as unknown as NativeParts);
  const reseal = (body: object) => controller.reseal({ query: {}, headers: {}, body } as FastifyRequest);
  return { reseal, asked };
}

describe("sealing anew", () => {
  it("asks one service after the other, each until it has no more", async () => {
    const { reseal, asked } = installation();
    let after: string | null | undefined;
    do {
      const page = await reseal({ check: true, ...(after ? { after } : {}) });
      expect(page).toMatchObject({ keyIds: [NEW, OLD], found: { [OLD]: 3 } });
      after = page.next;
    } while (after !== null);
    expect(asked.map(({ service, after: place }) => `${service}:${place}`)).toEqual([
      ...["auth:", "subscriptions:", "offers:", "offers:17", "sampling:", "streams:"],
    ]);
    expect(asked.every(({ check }) => check)).toBe(true);
  });

  it("is refused while services seal by different keys, before any has sealed anything", async () => {
    const { reseal, asked } = installation({ streams: [OLD, NEW] });
    await expect(reseal({})).rejects.toMatchObject({
      status: 409,
      detail: expect.stringMatching(`auth by ${NEW}.*streams by ${OLD}.*FIELDLOG_INSTALLATION_KEY`),
    });
    expect(asked.every(({ limit, check }) => limit === 0 && check)).toBe(true);
    expect((await reseal({ check: true })).resealed).toBe(3);
  });
});
