import { expect, it } from "vitest";
import { defaultCacheDir } from "../cache-dir.js";
import { run } from "../process/run.js";
import { obtainPaho } from "./obtain.js";

it("gives a Python that has paho-mqtt, or says why there is none", async () => {
  const told: string[] = [];
  const paho = await obtainPaho({ cacheDir: defaultCacheDir(), progress: (line) => told.push(line) });
  if (!paho) return expect(told.at(-1)).toContain("no paho-mqtt on this machine");
  const script = "import paho.mqtt.client as m; print(m.Client(m.CallbackAPIVersion.VERSION2).protocol)";
  expect((await run(paho.python, ["-c", script], { env: paho.env })).trim()).toMatch(/^(4|MQTTv311|.*4)$/);
  const later: string[] = [];
  const again = await obtainPaho({ cacheDir: defaultCacheDir(), progress: (line) => later.push(line) });
  expect(again).toEqual(paho);
  expect(later).toEqual([]);
}, 180_000);
