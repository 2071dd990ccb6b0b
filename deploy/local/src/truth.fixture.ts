import { SIGNALS, signalsSubject } from "@fieldlog/contracts";
import { connectLog, decodeBatch } from "@fieldlog/event-log";
import type { System } from "@fieldlog/testkit";
import { nameOf } from "./fleet.fixture.js";

/** How often each message of a namespace stands in the log. */
export async function logged(
  nats: { url: string; monitorUrl: string },
  namespace = "test",
): Promise<Map<string, number>> {
  const log = await connectLog({ ...nats, name: "test" });
  const counts = new Map<string, number>();
  try {
    const end = await log.lastSequence(SIGNALS);
    if (end === 0) return counts;
    for await (const commits of log.read(SIGNALS, { after: 0 })) {
      for (const commit of commits) {
        if (commit.subject !== signalsSubject(namespace)) continue;
        for (const signal of decodeBatch(commit.data)) {
          counts.set(nameOf(signal), (counts.get(nameOf(signal)) ?? 0) + 1);
        }
      }
      if ((commits.at(-1)?.sequence ?? 0) >= end) return counts;
    }
    return counts;
  } finally {
    await log.close();
  }
}

interface Page {
  readonly events: readonly { readonly id: string; readonly source: string; readonly position: number }[];
  readonly next: number | null;
}

/** How often each message stands in the table, as the native API shows it. */
export async function listed(system: System, namespace = "test"): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let last = 0;
  for (let after: number | null = 0; after !== null; ) {
    const page: Page = await getEvents(system, `after=${after}&limit=1000`, namespace);
    for (const { id, source, position } of page.events) {
      if (position <= last) throw new Error(`position ${position} follows ${last}`);
      last = position;
      const name = nameOf({ device: source.slice(source.lastIndexOf("/") + 1), identity: id });
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    after = page.next;
  }
  return counts;
}

export async function getEvents(system: System, query: string, namespace = "test"): Promise<Page> {
  const answer = await fetch(`${system.url}/v1/namespaces/${namespace}/events?${query}`, {
    headers: { authorization: `Bearer ${system.adminKey}` },
  });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Page;
}
