import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Said } from "../ledger/said.js";
import { Link } from "../proxy/link.js";
import type { Scene } from "../senders/scene.js";
import { type CloudEvent, type Subscriber, saidInEvent } from "./subscriber.js";

/** An endpoint that takes all that comes, one event or a list at a time. */
export async function webhook({ api, namespace }: Scene, links: Map<string, Link>): Promise<Subscriber> {
  const heard: Said[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as CloudEvent | CloudEvent[];
      heard.push(...[body].flat().flatMap((event) => saidInEvent(event) ?? []));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const link = await Link.to("subscriptions to webhook", [() => (server.address() as AddressInfo).port]);
  links.set(link.name, link);
  await api.ask("POST", `/v1/namespaces/${namespace}/subscriptions`, {
    ...{ filter: {}, from: "beginning" },
    delivery: { webhook: { url: `http://127.0.0.1:${link.ports[0]}/`, batch: 20 } },
  });
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { name: "webhook", heard, repeats: "the same", hears: "events", stop };
}
