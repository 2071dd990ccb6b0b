import { describe, expect, it } from "vitest";
import { openapi } from "./openapi.js";
import { schemes } from "./who-may.js";

interface Described {
  readonly operationId: string;
  readonly security: readonly Record<string, unknown>[];
  readonly "x-access": { readonly by: readonly string[]; readonly needs?: string };
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}

const all = Object.entries(openapi.paths as Record<string, Record<string, Described>>).flatMap(
  ([path, methods]) => Object.values(methods).map((operation) => ({ path, operation })),
);

/** What asks for nothing that a caller would have to know. */
const forEverybody = [
  ...["cred-logIn", "csn-client-create", "csn-query-client-from-legacy-id", "csn-query-existing-uuid"],
  ...["csn-query-name-available", "csn-query-recent-events"],
  ...["edit-page-edit.css", "edit-page-edit.js", "edit-page-index.html", "healthz", "openapi"],
  ...["readyz", "tenta-createUser", "tenta-logIn", "tenta-status", "upload-options"],
];

// That it has every route of the server is shown where that runs: http/hardening.int.spec.ts.
describe("the OpenAPI document", () => {
  it("refers only to schemas that it has", () => {
    const text = JSON.stringify(openapi);
    const names = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(openapi.components.schemas).toHaveProperty(name);
  });

  it("says of every operation who may call it, by schemes that it has", () => {
    const notSchemes = ["capability", "csnSignature", "editToken"];
    for (const { operation } of all) {
      const { by } = operation["x-access"];
      const known = operation.security.flatMap((one) => Object.keys(one));
      expect(known).toEqual(by.filter((one) => !notSchemes.includes(one)));
      for (const scheme of known) expect(Object.keys(schemes)).toContain(scheme);
    }
    const open = all.filter(({ operation }) => operation["x-access"].by.length === 0);
    expect(open.map(({ operation }) => operation.operationId).sort()).toEqual(forEverybody);
  });

  it("names every parameter of a path, and every operation once", () => {
    for (const { path, operation } of all) {
      const inPath = (operation.parameters ?? []).filter((one) => one.in === "path");
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(inPath.map(({ name }) => name)).toEqual(names);
    }
    const ids = all.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });
});
