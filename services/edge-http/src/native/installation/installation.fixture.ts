import { expect } from "vitest";
import type { Native } from "../native.fixture.js";

const PATH = "/v1/installation/reseal";

/** Counts what is sealed, and seals anew, which there is nothing of; each answer is held against the document. */
export async function reseals(native: Native): Promise<void> {
  const services: unknown[] = [];
  const keys = new Set<string>();
  for (const check of [true, false]) {
    let after: unknown;
    do {
      const body = { check, ...(after === undefined ? {} : { after }) };
      const { status, json } = await native.call("post", PATH, {}, { body });
      expect([status, json["resealed"]]).toEqual([200, 0]);
      services.push(json["service"]);
      for (const key of [...(json["keyIds"] as string[]), ...Object.keys(json["found"] as object)]) {
        keys.add(key);
      }
      after = json["next"] ?? undefined;
    } while (after !== undefined);
  }
  expect([...new Set(services)]).toEqual(["auth", "subscriptions", "offers", "sampling", "streams"]);
  expect([...keys]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  for (const body of [{ after: "nobody:1" }, { after: "auth" }, { checks: true }]) {
    expect((await native.call("post", PATH, {}, { body })).status).toBe(400);
  }
}
