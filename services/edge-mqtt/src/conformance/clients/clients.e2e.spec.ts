import { afterAll, beforeAll, describe } from "vitest";
import { mosquittoClients } from "./mosquitto.js";
import { mqttJs } from "./mqtt-js.js";
import { pahoClient } from "./paho.js";
import { tentaSensors } from "./tenta.js";
import { startWorld, type World } from "./world.js";

describe("real clients of edge-mqtt", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.stop());

  describe("mqtt of npm", () => mqttJs(() => world));
  describe("mosquitto_pub and mosquitto_sub", () => mosquittoClients(() => world));
  describe("paho-mqtt", () => pahoClient(() => world));
  describe("tenta:", () => tentaSensors(() => world));
});
