import { readSettings } from "@fieldlog/runtime";
import { describe, expect, it } from "vitest";
import { describeStatus } from "./about.js";

describe("tenta's status", () => {
  it("says where MQTT is: at its own public address, else on the public host, else where the door was found", async () => {
    const told = async (env: Record<string, string>) => {
      const { json } = await describeStatus(readSettings(env), 0)({ host: "station.local:8080" });
      const { mqtt_hostname, mqtt_port } = json as Record<string, unknown>;
      return [mqtt_hostname, mqtt_port];
    };
    const FIELDLOG_PUBLIC_URL = "https://log.example.org";
    const FIELDLOG_PUBLIC_MQTT_URL = "mqtts://mqtt.example.org";
    expect(await told({ FIELDLOG_PUBLIC_URL, FIELDLOG_PUBLIC_MQTT_URL })).toEqual(["mqtt.example.org", 8883]);
    expect(await told({ FIELDLOG_PUBLIC_URL })).toEqual(["log.example.org", 1883]);
    expect(await told({})).toEqual(["station.local", 1883]);
  });
});
