import { create, toBinary } from "@bufbuild/protobuf";
import { positionOf, signals } from "@fieldlog/contracts";
import { LoggedEvent } from "@fieldlog/events";

/** What is published, in the short form; of the size that such events have. It is of the key that publishes it. */
export const EVENT = {
  name: "TemperatureChanged",
  action: "measured",
  value: "21.5",
  place: "Living Room",
  data: { celsius: 21.5, humidity: 45.2, battery: 87 },
};

/** Nobody publishes such: whoever subscribes to it only publishes. */
export const NOBODY = { names: ["nobody"] };

/** The message in which a subscriber gets {@link EVENT}. */
export function delivery(): string {
  const { name, action, value, place, data } = EVENT;
  const now = BigInt(Date.now());
  const signal = create(signals.SignalSchema, {
    ...{ device: "key:0123456789abcdef", identity: "12345", receivedAt: now, occurredAt: now },
    body: { case: "event", value: { name, action, value, place, data: Buffer.from(JSON.stringify(data)) } },
  });
  const encoded = toBinary(signals.SignalSchema, signal);
  const event = new LoggedEvent(positionOf(100_000, 0), { id: "0".repeat(16), name: "default" }, encoded);
  return `{"type":"event","event":${event.json().toString()}}`;
}
