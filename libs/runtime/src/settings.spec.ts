import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeSettings, need, readSettings, SettingsError } from "./settings.js";
import { settingsTable } from "./settings-table.js";

function problems(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe("settings", () => {
  it("have their defaults when nothing is set, or set to nothing", () => {
    const settings = readSettings({ FIELDLOG_HTTP_PORT: "", PATH: "/bin" });
    expect(settings).toMatchObject({ bind: "127.0.0.1", httpPort: 8080, commit: "group", replicas: 1 });
    expect(settings.natsUrl).toBeUndefined();
    expect(Object.isFrozen(settings)).toBe(true);
  });

  it("name in code is the variable's name in camel case", () => {
    for (const [key, setting] of Object.entries(settingsTable)) {
      const words = setting.name
        .replace(/^FIELDLOG_|^OTEL_EXPORTER_/, "")
        .toLowerCase()
        .split("_");
      const camel = words.map((word, index) => (index === 0 ? word : word[0]?.toUpperCase() + word.slice(1)));
      expect(camel.join("")).toBe(key);
    }
  });

  it("take trusted proxies as ranges, and nothing else for one", () => {
    const ranges = readSettings({ FIELDLOG_TRUSTED_PROXIES: "10.1.0.0/16, fd00::/8" }).trustedProxies;
    expect(ranges).toEqual(["10.1.0.0/16", "fd00::/8"]);
    for (const one of [
      "10.1.0.1",
      "10.1.0.0/33",
      "10.1/16",
      "proxy/16",
      "::/129",
      "10.1.0.0/8/8",
      "10.1.0.0/",
    ])
      expect(problems({ FIELDLOG_TRUSTED_PROXIES: `10.1.0.0/16,${one}` }), one).toHaveLength(1);
  });

  it("report every problem at once, with the nearest name for an unknown one", () => {
    expect(
      problems({
        FIELDLOG_HTP_PORT: "80",
        FIELDLOG_SOMETHING_ELSE_ENTIRELY: "1",
        FIELDLOG_MQTT_PORT: "99999",
        FIELDLOG_COMMIT: "both",
        FIELDLOG_NATS_URL: "http://here",
        FIELDLOG_TLS_CERT: "cert.pem",
      }),
    ).toEqual([
      "FIELDLOG_HTP_PORT is not a setting; did you mean FIELDLOG_HTTP_PORT?",
      "FIELDLOG_SOMETHING_ELSE_ENTIRELY is not a setting",
      'FIELDLOG_MQTT_PORT must be a port (0 to 65535; 0: a free one) (is "99999")',
      'FIELDLOG_NATS_URL must be a URL beginning with nats:// or tls:// or ws:// or wss:// (is "http://here")',
      'FIELDLOG_COMMIT must be one of group, single (is "both")',
      "FIELDLOG_TLS_CERT and FIELDLOG_TLS_KEY go together: one is set, the other is not",
    ]);
  });

  it("refuse secrets of a bad length without showing them", () => {
    const found = problems({
      FIELDLOG_INTERNAL_TOKEN: "too-short-hunter2",
      FIELDLOG_INSTALLATION_KEY: "c2hvcnQtaHVudGVyMg==",
      FIELDLOG_ADMIN_KEY: "hunter2",
    });
    expect(found).toHaveLength(3);
    expect(found.join()).not.toContain("hunter2");
    expect(found.join()).not.toContain("c2hvcnQ");
    const [long, other] = ["a".repeat(32), "b".repeat(32)];
    expect(problems({ FIELDLOG_INTERNAL_TOKEN: `${long},${other}` })).toEqual([]);
    expect(problems({ FIELDLOG_INTERNAL_TOKEN: `${long},` })).toHaveLength(1);
    const [key, next] = [7, 8].map((byte) => Buffer.alloc(32, byte).toString("base64"));
    expect(problems({ FIELDLOG_INSTALLATION_KEY: `${key},${next}` })).toEqual([]);
    for (const wrong of [`${key},`, `,${key}`, `${key}, ${next}`, `${key},c2hvcnQ=`]) {
      expect(problems({ FIELDLOG_INSTALLATION_KEY: wrong })).toHaveLength(1);
    }
  });

  it("do not show the password of a bad URL", () => {
    expect(problems({ FIELDLOG_POSTGRES_URL: "mysql://me:hunter2@db/x" }).join()).not.toContain("hunter2");
  });

  it("take S3 as a whole or not at all", () => {
    const [endpoint, keys] = [
      { FIELDLOG_S3_ENDPOINT: "http://s3", FIELDLOG_S3_BUCKET: "readings" },
      { FIELDLOG_S3_ACCESS_KEY: "a", FIELDLOG_S3_SECRET_KEY: "hunter2" },
    ];
    expect(problems({ ...endpoint, ...keys, FIELDLOG_S3_DIRECT: "true" })).toEqual([]);
    expect(problems(endpoint)).toEqual([
      "S3 is set in part: absent is FIELDLOG_S3_ACCESS_KEY, FIELDLOG_S3_SECRET_KEY",
    ]);
    expect(problems({ FIELDLOG_S3_DIRECT: "true" }).join()).toContain("FIELDLOG_S3_ENDPOINT");
  });

  it("refuse two listeners on one port, but any number on a free one", () => {
    expect(problems({ FIELDLOG_WS_PORT: "8080" })).toEqual([
      "FIELDLOG_HTTP_PORT and FIELDLOG_WS_PORT are both 8080",
    ]);
    expect(problems({ FIELDLOG_WS_PORT: "0", FIELDLOG_HTTP_PORT: "0" })).toEqual([]);
    expect(problems({ FIELDLOG_HTTP_PORT: "4810", FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS: "true" })).toEqual([
      "FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS and FIELDLOG_HTTP_PORT are both 4810",
    ]);
    expect(problems({ FIELDLOG_HTTP_PORT: "4810" })).toEqual([]);
  });

  it("let overrides win, and check them as well", () => {
    const settings = readSettings({ FIELDLOG_HTTP_PORT: "81" }, { httpPort: 82, commit: "single" });
    expect(settings).toMatchObject({ httpPort: 82, commit: "single" });
    expect(() => readSettings({}, { httpPort: -1 })).toThrow(SettingsError);
  });

  it("that a service needs are named together when they are absent", () => {
    const settings = readSettings({ FIELDLOG_NATS_URL: "nats://127.0.0.1:4222" });
    expect(need(settings, "natsUrl").natsUrl).toBe("nats://127.0.0.1:4222");
    expect(() => need(settings, "natsUrl", "postgresUrl", "internalToken")).toThrow(
      /FIELDLOG_POSTGRES_URL is required.*FIELDLOG_INTERNAL_TOKEN is required/s,
    );
  });

  it("are described without secrets and passwords", () => {
    const described = describeSettings(
      readSettings({
        FIELDLOG_INTERNAL_TOKEN: "t".repeat(32),
        FIELDLOG_NATS_URL: "nats://fieldlog:hunter2@one:4222,nats://fieldlog:hunter2@two:4222",
      }),
    );
    expect(described["FIELDLOG_INTERNAL_TOKEN"]).toBe("[redacted]");
    expect(described["FIELDLOG_NATS_URL"]).toBe("nats://***@one:4222,nats://***@two:4222");
    expect(described).not.toHaveProperty("FIELDLOG_POSTGRES_URL");
  });

  it("never fail with anything but a SettingsError", () => {
    const names = fc.constantFrom(...Object.values(settingsTable).map(({ name }) => name), "FIELDLOG_X");
    fc.assert(
      fc.property(fc.dictionary(names, fc.string()), (env) => {
        expect(problems(env)).toBeInstanceOf(Array);
      }),
    );
  });
});
