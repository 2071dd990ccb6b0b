import { RpcError } from "@fieldlog/rpc";
import { createLogger, createMetrics, publicBase, readSettings } from "@fieldlog/runtime";
import { describe, expect, it } from "vitest";
import { RequestCounts } from "../../http/request-counts.js";
import { addressOf } from "../../http/sender-address.js";
import { createFastify } from "../../http/server.js";
import { prepare } from "../serve.js";
import { type DeviceRoutesParts, deviceRoutes } from "./device-routes.js";

/** A door whose auth knows the token "good" alone. */
async function door(publicMqtt?: DeviceRoutesParts["publicMqtt"]) {
  const settings = readSettings({ FIELDLOG_PUBLIC_URL: "https://log.example.org" });
  const provisioning = {
    refreshRegistration: async () => {
      throw new RpcError("unauthenticated", "no such token");
    },
    openRegistration: async () => ({
      ...{ namespace: "test", device: "porch", connectionToken: "ct", connectionExpiresAt: 0n },
    }),
  };
  const app = createFastify();
  const logger = createLogger("test", "silent");
  const options = { counts: new RequestCounts(createMetrics()), logger, stopping: () => false };
  prepare(app, options);
  const parts = {
    ...{ provisioning: provisioning as unknown as DeviceRoutesParts["provisioning"], publicMqtt },
    ...{ publicBase: publicBase(settings), addressOf: addressOf({ trustedProxies: ["10.1.0.0/16"] }) },
    ...{ known: {} as DeviceRoutesParts["known"], now: () => 0 },
  };
  deviceRoutes(app, parts, options);
  return async (path: string, remoteAddress: string, forwarded = "", payload = {}) => {
    const headers = { authorization: "DeviceToken any", "x-forwarded-for": forwarded };
    const { statusCode, body } = await app.inject({
      ...{ method: "PUT", url: path, remoteAddress, headers, payload },
    });
    return { status: statusCode, json: JSON.parse(body) };
  };
}

describe("a device that comes in", () => {
  it("is told of the MQTT door's own name, where that has one", async () => {
    const told = async (publicMqtt?: DeviceRoutesParts["publicMqtt"]) =>
      (await (await door(publicMqtt))("/devices/register", "192.0.2.1")).json;
    const mqtt = { host: "mqtt.example.org", port: 8883 };
    expect(await told(mqtt)).toMatchObject({
      iotHubHostName: "mqtt.example.org",
      connectionString: expect.stringMatching(/^HostName=mqtt\.example\.org;.*sr=mqtt\.example\.org&/),
    });
    expect(await told()).toMatchObject({ iotHubHostName: "log.example.org" });
  });

  it("is not shut out by others' wrong tokens behind the same proxy", async () => {
    const ask = await door();
    const guess = (peer: string, forwarded: string) =>
      ask("/devices/registration-tokens/refresh", peer, forwarded, { registrationToken: "one" });
    for (let n = 0; n < 10; n++) expect((await guess("10.1.0.9", "192.0.2.1")).status).toBe(401);
    // What the sender itself writes before it changes nothing.
    expect((await guess("10.1.0.9", "198.51.100.8, 192.0.2.1")).status).toBe(429);
    expect((await guess("10.1.0.9", "192.0.2.2")).status).toBe(401);
  });

  it("does not get round the count by a header that no proxy has written", async () => {
    const ask = await door();
    const statuses: number[] = [];
    for (let n = 0; n <= 10; n++) {
      const body = { registrationToken: "one" };
      const path = "/devices/registration-tokens/refresh";
      statuses.push((await ask(path, "203.0.113.7", `192.0.2.${n}`, body)).status);
    }
    expect(statuses.at(-1)).toBe(429);
  });
});
