import { until } from "@fieldlog/testkit";
import type { Native } from "../native/native.fixture.js";
import type { Sides } from "./attacks.fixture.js";
import type { Tenant } from "./tenant.fixture.js";

/** What comes to somebody who listens, until they leave. */
interface Heard {
  readonly got: string[];
  leave(): void;
}

const LAST = "the-last";

/** Listens for events as the attacker may, by every way that the native API has, while the victim speaks: what is heard of that. */
export async function overhears(native: Native, { attacker, victim }: Sides): Promise<string[]> {
  const all = { socket: await bySocket(native, attacker), stream: await byStream(native, attacker) };
  await victim.place.operate("/events", { name: victim.canary, value: victim.canary });
  await attacker.place.operate("/events", { name: LAST });
  for (const [way, { got }] of Object.entries(all)) {
    await until(`the last event by ${way}`, () => got.join("").includes(LAST));
  }
  for (const { leave } of Object.values(all)) leave();
  const polled = await byPolling(attacker);
  const heard = { ...all, polling: polled };
  return Object.entries(heard).flatMap(([way, { got }]) =>
    got.join("").includes(victim.canary) ? [way] : [],
  );
}

async function bySocket({ system }: Native, { secrets }: Tenant): Promise<Heard> {
  const socket = new WebSocket(`${system.wsUrl}/v1/subscribe`);
  const got: string[] = [];
  socket.onmessage = ({ data }) => got.push(String(data));
  socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", key: secrets["admin"] }));
  await until("subscribed", () => got.join("").includes('"subscribed"'));
  return { got, leave: () => socket.close() };
}

async function byStream({ system }: Native, { place, secrets }: Tenant): Promise<Heard> {
  const got: string[] = [];
  const leaving = new AbortController();
  const headers = { authorization: `Bearer ${secrets["admin"]}` };
  const response = await fetch(`${system.url}${place.path}/events/stream`, {
    headers,
    signal: leaving.signal,
  });
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) got.push(decoder.decode(chunk, { stream: true }));
  };
  // It is broken off by whoever leaves.
  read().catch(() => undefined);
  return { got, leave: () => leaving.abort() };
}

/** From where the subscription was made on. */
async function byPolling({ place, things }: Tenant): Promise<Pick<Heard, "got">> {
  const path = `${place.path}/subscriptions/${things["subscription"]}/events`;
  const { data } = await place.ask("GET", path, place.operator);
  return { got: [Buffer.from(data).toString()] };
}
