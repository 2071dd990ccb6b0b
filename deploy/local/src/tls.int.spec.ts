import { X509Certificate } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readSettings } from "@fieldlog/runtime";
import { temporaryDir } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { certificate } from "./tls.js";

let dataDir: string;
beforeAll(async () => {
  dataDir = await temporaryDir();
});
afterAll(() => rm(dataDir, { recursive: true }));

it("takes the certificate that is given, and makes none", async () => {
  const settings = readSettings({ FIELDLOG_TLS_CERT: "cert.pem", FIELDLOG_TLS_KEY: "/etc/key.pem" });
  expect(await certificate(settings, dataDir)).toMatchObject({
    cert: resolve("cert.pem"),
    key: "/etc/key.pem",
    ca: undefined,
  });
  expect(await readdir(dataDir)).toEqual([]);
});

it("makes one for the addresses of the settings, and another when these change", async () => {
  const covers = async (env: NodeJS.ProcessEnv, host: string) => {
    const { cert, stop } = await certificate(readSettings(env), dataDir);
    stop();
    expect(cert).toBe(join(dataDir, "tls", "server.pem"));
    return new X509Certificate(await readFile(cert)).checkHost(host) !== undefined;
  };
  expect(await covers({}, "localhost")).toBe(true);
  expect(await covers({}, "cellar.example")).toBe(false);
  expect(await covers({ FIELDLOG_PUBLIC_URL: "https://cellar.example:8443" }, "cellar.example")).toBe(true);
});
