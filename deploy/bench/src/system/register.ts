import { createMessage, type Identity, registered } from "@fieldlog/simulator";
import { NoResult } from "../frame/benchmark.js";

const AT_ONCE = 16;

/** Registers that many stations through the API, as a device does. Raises NoResult. */
export async function registerDevices(url: string, namespace: string, count: number): Promise<Identity[]> {
  const identities: Identity[] = [];
  const numbers = Array.from({ length: count }, (_, index) => index).values();
  const worker = async () => {
    for (const number of numbers) identities.push(await registerOne(url, namespace, number));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return identities;
}

async function registerOne(url: string, namespace: string, number: number): Promise<Identity> {
  const station = { name: `bench ${number}`, latitude: 34.1365, longitude: -118.1253 };
  const response = await fetch(`${url}/api/v1/${namespace}/client/create`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf" },
    body: createMessage(station) as Uint8Array<ArrayBuffer>,
  });
  const body = new Uint8Array(await response.arrayBuffer());
  const identity = response.ok ? registered(body) : undefined;
  if (!identity) throw new NoResult(`a device could not be registered: HTTP ${response.status}`);
  return identity;
}
