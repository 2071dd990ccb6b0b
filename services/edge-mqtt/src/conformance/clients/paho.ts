import { defaultCacheDir, obtainPaho, type Paho } from "@fieldlog/servers";
import { beforeAll, expect, it } from "vitest";
import { start } from "./programs.js";
import { fresh, type World } from "./world.js";

/** Connects, subscribes, publishes with each QoS, prints what comes back, one line each. */
const SCRIPT = `
import json, sys, threading
import paho.mqtt.client as mqtt
o = json.loads(sys.argv[1])
version = mqtt.MQTTv5 if o["version"] == 5 else mqtt.MQTTv311
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=o["id"], protocol=version, transport=o["transport"])
client.username_pw_set(o["username"], o["password"])
if o["ca"]: client.tls_set(ca_certs=o["ca"])
if o["transport"] == "websockets": client.ws_set_options(path="/mqtt")
ready, done, seen = threading.Event(), threading.Event(), []
def on_connect(client, userdata, flags, reason, properties):
    if reason.is_failure: print("refused", reason); sys.stdout.flush(); done.set()
    else: client.subscribe(o["topic"], qos=2)
def on_message(client, userdata, message):
    seen.append((message.qos, message.payload.decode()))
    if len(seen) == 3: done.set()
client.on_connect, client.on_message = on_connect, on_message
client.on_subscribe = lambda *rest: ready.set()
client.connect(o["host"], o["port"], 30)
client.loop_start()
if ready.wait(10):
    for qos in (0, 1, 2): client.publish(o["topic"], "qos %d" % qos, qos=qos).wait_for_publish(10)
done.wait(10)
for qos, text in sorted(seen): print(qos, text)
client.disconnect()
client.loop_stop()
`;

/** paho-mqtt for Python as it is; where this machine does not offer it the console says so. */
export function pahoClient(world: () => World): void {
  let paho: Paho | undefined;
  beforeAll(async () => {
    paho = await obtainPaho({ cacheDir: defaultCacheDir(), progress: console.log });
  }, 180_000);

  for (const version of [4, 5]) {
    for (const [transport, door] of [
      ["tcp", "TCP"],
      ["tcp", "TLS"],
      ["websockets", "WebSocket"],
    ] as const) {
      it(`speaks version ${version} over ${door} with every QoS`, async () => {
        if (!paho) return;
        const { hostname: host, port } = new URL(world().doors[door]);
        const options = {
          ...{ host, port: Number(port), transport, version },
          ...{ id: fresh("paho"), topic: fresh("paho"), ...world().writer },
          ca: door === "TLS" ? world().caFile : "",
        };
        const program = { command: paho.python, env: paho.env };
        const { code, output } = await start(program, ["-c", SCRIPT, JSON.stringify(options)], {
          timeoutMs: 120_000,
        }).ended;
        expect(output.trim().split("\n")).toEqual(["0 qos 0", "1 qos 1", "2 qos 2"]);
        expect(code).toBe(0);
      });
    }
  }
}
