import { once } from "node:events";
import { get } from "node:https";
import { connectAsync } from "mqtt";

/** The status of GET /readyz at an HTTPS door. Raises an error when its certificate is not of this authority. */
export async function httpsStatus(port: string, ca: string): Promise<number | undefined> {
  const request = get(`https://localhost:${port}/readyz`, { ca, agent: false });
  const [answer] = await once(request, "response");
  answer.resume();
  return answer.statusCode;
}

/** Publishes with QoS 1 and waits for the PUBACK. Raises an error when the door lets nobody in. */
export async function publishOver(url: string, key: string, ca?: string): Promise<void> {
  const client = await connectAsync(url, {
    ...{ username: "default", password: key, reconnectPeriod: 0, connectTimeout: 10_000 },
    ...(ca !== undefined && { ca }),
  });
  try {
    await client.publishAsync("containers", "hello", { qos: 1 });
  } finally {
    await client.endAsync();
  }
}
