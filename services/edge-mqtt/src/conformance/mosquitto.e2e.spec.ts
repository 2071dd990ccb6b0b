import { defaultCacheDir, obtainMosquitto } from "@fieldlog/servers";
import { expect, it } from "vitest";
import { conformance } from "./conformance.js";
import { MOSQUITTO_DIFFERENCES, startMosquitto } from "./mosquitto.fixture.js";

// A broker that others wrote shows that the tests ask for MQTT, and not for what Fieldlog happens to do.
const reasons: string[] = [];
const mosquitto = await obtainMosquitto({
  cacheDir: defaultCacheDir(),
  progress: (message) => reasons.push(message),
});

if (mosquitto) {
  conformance(`Mosquitto ${mosquitto.version}`, () => startMosquitto(mosquitto), MOSQUITTO_DIFFERENCES);
} else {
  it("cannot be tried on Mosquitto, which this machine does not offer", () => {
    console.log(reasons.join("\n"));
    expect(reasons).not.toEqual([]);
  });
}
