import { connect } from "mqtt";
import { type Said, saidBy } from "../ledger/said.js";
import { PERSISTENT, serversOf } from "../senders/mqtt-talk.js";
import type { Scene } from "../senders/scene.js";
import { type CloudEvent, type Subscriber, saidInEvent } from "./subscriber.js";

const TOPICS = ["events/+/+", "faults/#", "measurements/+"];

/** A client with a session that lasts, and QoS 1. */
export async function mqttSession({ doors, namespace, key }: Scene): Promise<Subscriber> {
  const ways = await doors.mqtt.for("mqtt subscriber");
  const heard: Said[] = [];
  const client = connect({
    ...{ ...PERSISTENT, servers: serversOf(ways), protocolVersion: 5, clientId: "faults-subscriber" },
    ...{ properties: { sessionExpiryInterval: 3_600 }, username: namespace, password: key },
  });
  client.on("error", () => undefined);
  client.on("message", (topic, payload) => {
    const said = saidOn(topic, payload.toString());
    if (said) heard.push(said);
  });
  await client.subscribeAsync(TOPICS, { qos: 1 });
  const stop = async () => void (await client.endAsync(true));
  return { name: "MQTT session", heard, repeats: "the same", hears: "messages", stop };
}

type Measured = readonly { readonly value: Record<string, number> }[];

function saidOn(topic: string, payload: string): Said | undefined {
  if (topic.startsWith("events/")) return saidInEvent(JSON.parse(payload) as CloudEvent);
  // What comes by MQTT says nothing of its place or identity: what is the same is told by what it says.
  if (topic.startsWith("faults/")) return saidBy({ position: 0, identity: "", device: "", text: payload });
  const measured = JSON.parse(payload) as Measured | { measurements: Measured };
  const list = "measurements" in measured ? measured.measurements : measured;
  const values = list.flatMap(({ value }) => [value["n"] ?? Number.NaN, value["check"] ?? 0]);
  const device = topic.split("/")[1] ?? "";
  return saidBy({ position: 0, identity: "", device, values });
}
