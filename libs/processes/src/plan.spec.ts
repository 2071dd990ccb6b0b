import { describe, expect, it } from "vitest";
import { planProcesses } from "./plan.js";
import { SERVICES } from "./services.js";

const counting = () => {
  let port = 1000;
  return async () => ++port;
};

describe("the plan of a system's processes", () => {
  it("has each service once, in the order of their start, each port given once", async () => {
    const plans = await planProcesses({ replicas: () => 1, port: counting() });
    expect(plans.map(({ name }) => name)).toEqual(SERVICES);
    const ports = plans.flatMap((plan) => Object.values(plan.ports));
    expect(new Set(ports).size).toBe(ports.length);
  });

  it("tells everybody where all replicas are called, and each of them only its own address", async () => {
    const services = ["auth", "edge-http"] as const;
    const plans = await planProcesses({ services, replicas: () => 2, port: counting() });
    expect(plans.map(({ name }) => name)).toEqual(["auth", "auth-2", "edge-http", "edge-http-2"]);
    const [first, second, door] = plans.map(({ settings }) => settings["FIELDLOG_AUTH_GRPC"]);
    expect([first, second]).toEqual(["127.0.0.1:1001", "127.0.0.1:1003"]);
    expect(door).toBe("ipv4:127.0.0.1:1001,127.0.0.1:1003");
    expect(plans[2]?.settings).not.toHaveProperty("FIELDLOG_DEVICES_GRPC");
  });

  it("tells a door of the other doors of its number, or of the first", async () => {
    const replicas = (service: string) => (service === "edge-websocket" ? 1 : 2);
    const plans = await planProcesses({ replicas, port: counting() });
    const settings = (name: string) => plans.find((plan) => plan.name === name)?.settings;
    const { FIELDLOG_MQTT_PORT: mqtt, FIELDLOG_WS_PORT: ws } = settings("edge-http-2") ?? {};
    expect(mqtt).toBe(settings("edge-mqtt-2")?.["FIELDLOG_MQTT_PORT"]);
    expect(ws).toBe(settings("edge-websocket")?.["FIELDLOG_WS_PORT"]);
  });
});
