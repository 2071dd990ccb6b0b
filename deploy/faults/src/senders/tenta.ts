import { randomBytes } from "node:crypto";
import { Ledger } from "../ledger/ledger.js";
import { digestOf, numbersOf } from "../ledger/said.js";
import { Api } from "../system/api.js";
import { MqttTalk } from "./mqtt-talk.js";
import type { Scene } from "./scene.js";
import type { Sender } from "./sender.js";
import { senderOf } from "./talks.js";

/** Sensors of a tenta network: measurements in the payloads of both generations, every other one with QoS 2. */
export async function tenta(scene: Scene, count: number): Promise<Sender> {
  const { api, namespace, chance, doors, paceMs } = scene;
  const ways = await doors.mqtt.for("tenta");
  const person = {
    user_name: `faults-${randomBytes(4).toString("hex")}`,
    password: randomBytes(12).toString("hex"),
  };
  const { access_token: token } = await api.ask("POST", "/users", person);
  await api.ask("PUT", `/v1/namespaces/${namespace}/members`, { name: person.user_name, role: "owner" });
  const own = new Api(api.url, String(token));
  const talks: MqttTalk[] = [];
  for (let i = 0; i < count; i++) {
    const made = await own.ask("POST", `/networks/${namespace}/sensors`, { sensor_name: `gauge-${i + 1}` });
    const id = String(made["sensor_identifier"]);
    const login = { username: id, password: String(made["sensor_secret"]), clientId: id };
    const qos = i % 2 === 0 ? 2 : 1;
    const say = (n: number, aheadMs: number) => {
      const [, check] = numbersOf(n);
      const list = [{ timestamp: (Date.now() + aheadMs) / 1_000, revision: null, value: { n, check } }];
      const payload = JSON.stringify(n % 2 === 0 ? list : { measurements: list });
      return { topic: `measurements/${id}`, payload, digest: digestOf(numbersOf(n)) };
    };
    const how = { protocolVersion: 4, qos, identified: false } as const;
    talks.push(new MqttTalk({ ...how, ledger: new Ledger(id, qos === 2), ways, chance, paceMs, login, say }));
  }
  return senderOf("tenta", talks, { tables: ["measurements"], isEvents: false });
}
