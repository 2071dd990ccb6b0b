import type { AddressInfo, Server } from "node:net";

/** Connections that the kernel holds until they are accepted, so that a fleet may come back all at once. */
export const BACKLOG = 4_096;

export interface Listening {
  /** Of the address, without its colon; e.g. "mqtts". */
  readonly protocol: string;
  readonly bind: string;
  /** 0: a free one. */
  readonly port: number;
}

/** Resolves to the server's address, e.g. `mqtts://127.0.0.1:8883`, once it can be reached there. Rejects when it cannot. */
export async function listen(server: Server, { protocol, bind, port }: Listening): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: bind, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return addressOf(server, { protocol, bind });
}

/** Of a server that listens. Where every address is bound, this machine's own is named. */
export function addressOf(server: Server, { protocol, bind }: Omit<Listening, "port">): string {
  const { port } = server.address() as AddressInfo;
  const host = bind === "0.0.0.0" || bind === "::" ? "127.0.0.1" : bind;
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
