import { webhookEndpoint } from "@fieldlog/testkit";
import { Link } from "../proxy/link.js";
import type { Scene } from "../senders/scene.js";
import { hearing, type Subscriber } from "./subscriber.js";

/** An endpoint that takes all that comes, one event or a list at a time. */
export async function webhook({ api, namespace }: Scene, links: Map<string, Link>): Promise<Subscriber> {
  const { heard, hear } = hearing();
  const { port, stop } = await webhookEndpoint(hear);
  const link = await Link.to("subscriptions to webhook", [() => port]);
  links.set(link.name, link);
  await api.ask("POST", `/v1/namespaces/${namespace}/subscriptions`, {
    ...{ filter: {}, from: "beginning" },
    delivery: { webhook: { url: `http://127.0.0.1:${link.ports[0]}/`, batch: 20 } },
  });
  return { name: "webhook", heard, repeats: "the same", hears: "events", stop };
}
