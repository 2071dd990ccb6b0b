import { limits, REGISTRY, SIGNALS } from "@fieldlog/contracts";
import { type Answer, ok, refusals } from "./answer.js";
import { type Client, clientOf } from "./clients.js";
import type { Cred } from "./parts.js";
import { type CredRequest, listParameters } from "./request.js";

/** GET /clients (B8): those that were heard of within the ping time-out, the newest first. */
export async function listClients(cred: Cred, { sessionKey, query, base }: CredRequest): Promise<Answer> {
  const { namespace } = await cred.sessions.check(sessionKey, "read");
  const { full, ...asked } = listParameters(query);
  const found = await activeClients(cred, namespace, asked);
  return ok({ clients: found.map((client) => (full ? fully(client, base) : briefly(client, base))) });
}

/** GET /clients/me. */
export async function getMe(cred: Cred, { sessionKey, base }: CredRequest): Promise<Answer> {
  const { namespace, device } = await cred.sessions.check(sessionKey, "read");
  return ok({ client: fully(await cred.clients.of(namespace, device), base) });
}

/** GET /clients/<id>. */
export async function getClient(cred: Cred, { sessionKey, id, base }: CredRequest): Promise<Answer> {
  const { namespace } = await cred.sessions.check(sessionKey, "read");
  const client = await cred.clients.byNumber(namespace, id);
  if (client === undefined) throw refusals.noClient();
  return ok({ client: fully(client, base) });
}

type Asked = Omit<ReturnType<typeof listParameters>, "full">;

/** In as many questions as it takes. */
async function activeClients(
  { projections, ownWrites, settings, now }: Cred,
  namespace: string,
  { after, before, limit = Number.POSITIVE_INFINITY, offset }: Asked,
): Promise<Client[]> {
  const found: Client[] = [];
  const seenSince = BigInt(now() - settings.pingTimeoutS * 1_000);
  if (before !== undefined && before <= 0) return found;
  let end = before;
  while (found.length < limit) {
    const rows = Math.min(limit - found.length, limits.pageRows);
    const { devices } = await projections.listDevices({
      ...{ namespace, dialect: "cred", newest: true, limit: rows, seenSince },
      offset: found.length === 0 ? Math.min(offset, 0xffffffff) : 0,
      ...(after === undefined ? {} : { numberAfter: BigInt(Math.max(0, after)) }),
      ...(end === undefined ? {} : { numberBefore: BigInt(end) }),
      atLeast: BigInt(ownWrites.of(namespace, REGISTRY)),
      seenAtLeast: BigInt(ownWrites.of(namespace, SIGNALS)),
    });
    found.push(...devices.map(clientOf));
    if (devices.length < rows) break;
    end = found.at(-1)?.number;
  }
  return found;
}

function briefly({ number }: Client, base: string) {
  return { id: number, uri: `${base}/clients/${number}` };
}

function fully({ number, name, location }: Client, base: string) {
  return { id: number, device: name, location, uri: `${base}/clients/${number}` };
}
