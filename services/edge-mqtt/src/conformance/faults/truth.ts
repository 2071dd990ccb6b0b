import { SIGNALS, signalsSubject } from "@fieldlog/contracts";
import { connectLog, decodeBatch } from "@fieldlog/event-log";
import type { Fieldlog } from "../fieldlog.fixture.js";

/** How one message stands in the log. */
export interface Logged {
  readonly payload: string;
  readonly redelivered: boolean;
  /** Set with QoS 2: one of the same identity is the same message. */
  readonly identity: string;
}

/** Every plain message of the namespace as it stands in the log, by topic, in the log's order. */
export async function logged({ servers, namespace }: Fieldlog): Promise<Map<string, Logged[]>> {
  const log = await connectLog({ ...servers.nats, name: "test" });
  const found = new Map<string, Logged[]>();
  try {
    const end = await log.lastSequence(SIGNALS);
    if (end === 0) return found;
    for await (const commits of log.read(SIGNALS, { after: 0 })) {
      for (const commit of commits) {
        if (commit.subject !== signalsSubject(namespace)) continue;
        for (const { body, publication, identity, device } of decodeBatch(commit.data)) {
          if (body.case !== "message" || !publication) continue;
          const list = found.get(publication.topic) ?? [];
          list.push({
            payload: Buffer.from(body.value.payload).toString(),
            redelivered: publication.redelivered,
            identity: identity && `${device} ${identity}`,
          });
          found.set(publication.topic, list);
        }
      }
      if ((commits.at(-1)?.sequence ?? 0) >= end) return found;
    }
    return found;
  } finally {
    await log.close();
  }
}

interface Page {
  readonly messages: readonly {
    readonly position: number;
    readonly topic: string;
    readonly payload: string;
  }[];
  readonly next: number | null;
}

/** What the native API lists of a namespace's messages: payloads by topic, in the order of their positions. */
export async function listed(fieldlog: Fieldlog, filter: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  let last = 0;
  for (let after: number | null = 0; after !== null; ) {
    const query = `topic=${encodeURIComponent(filter)}&after=${after}&limit=1000`;
    const page: Page = await fieldlog.call("GET", `/v1/namespaces/${fieldlog.namespace}/messages?${query}`);
    for (const { position, topic, payload } of page.messages) {
      if (position <= last) throw new Error(`position ${position} follows ${last}`);
      last = position;
      const list = found.get(topic) ?? [];
      list.push(payload);
      found.set(topic, list);
    }
    after = page.next;
  }
  return found;
}
