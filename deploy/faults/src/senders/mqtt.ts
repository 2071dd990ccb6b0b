import { Ledger } from "../ledger/ledger.js";
import { digestOf, textOf } from "../ledger/said.js";
import { MqttTalk } from "./mqtt-talk.js";
import type { Scene } from "./scene.js";
import type { Sender } from "./sender.js";
import { senderOf } from "./talks.js";

/** How plain MQTT clients differ: what their acknowledgement promises. */
const CLIENTS = [
  { name: "mqtt5-qos1", protocolVersion: 5, qos: 1, identified: false },
  { name: "mqtt5-qos2", protocolVersion: 5, qos: 2, identified: false },
  { name: "mqtt311-qos1", protocolVersion: 4, qos: 1, identified: false },
  { name: "mqtt311-qos2", protocolVersion: 4, qos: 2, identified: false },
] as const;

/** MQTT clients that belong to no dialect, with an API key as their password. */
export async function mqtt(scene: Scene, count: number): Promise<Sender> {
  const { namespace, key, chance, doors, paceMs } = scene;
  const ways = await doors.mqtt.for("mqtt");
  const talks = Array.from({ length: Math.max(count, CLIENTS.length) }, (_, i) => {
    const { name, ...client } = CLIENTS[i % CLIENTS.length] ?? CLIENTS[0];
    const sender = `${name}-${i + 1}`;
    const login = { username: namespace, password: key, clientId: sender };
    // A resend with QoS 1 cannot be told from another message: only devices may give theirs an identity.
    const ledger = new Ledger(sender, client.qos === 2);
    const say = (n: number) => {
      const payload = textOf(sender, n);
      return { topic: `faults/${sender}`, payload, digest: digestOf(payload) };
    };
    return new MqttTalk({ ...client, ledger, ways, chance, paceMs, login, say });
  });
  return senderOf("MQTT", talks, { tables: ["messages"], isEvents: false, devices: [] });
}
