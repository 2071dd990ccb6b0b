import { expect, it } from "vitest";
import { deviceBoundTo, deviceBoundTopic } from "./device-bound.js";

it("the topic of a device's messages tells which device it is", () => {
  const topic = deviceBoundTopic("ns", "cellar.7");
  expect(topic).toBe("devices/ns:cellar.7/messages/devicebound");
  expect([deviceBoundTo(topic), deviceBoundTo(`${topic}/a=b`)]).toEqual(["cellar.7", "cellar.7"]);
  const others = [
    "",
    "devices/ns:d/messages/events/",
    "devices/d/messages/devicebound",
    `${topic}s`,
    `x/${topic}`,
  ];
  expect(others.map(deviceBoundTo)).toEqual(others.map(() => undefined));
});
