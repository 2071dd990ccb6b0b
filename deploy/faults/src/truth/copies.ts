import type { Copy } from "../checks/copies.js";

interface Jsz {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string;
      readonly state: { readonly messages: number; readonly last_seq: number };
    }[];
  }[];
}

/** What each NATS server has of each stream, as it says itself; whoever reads by way of the cluster sees but one copy. */
export async function readCopies(servers: readonly { readonly monitorUrl: string }[]): Promise<Copy[]> {
  const copies = await Promise.all(
    servers.map(async ({ monitorUrl }, n) => {
      const answer = await fetch(`${monitorUrl}/jsz?streams=true&accounts=true`);
      const { account_details: accounts = [] } = (await answer.json()) as Jsz;
      return accounts
        .flatMap(({ stream_detail: streams = [] }) => streams)
        .map(({ name, state }) => {
          return { server: `nats-${n + 1}`, stream: name, messages: state.messages, last: state.last_seq };
        });
    }),
  );
  return copies.flat();
}
