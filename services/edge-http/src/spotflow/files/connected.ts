import type { Known, KnownConnection } from "@fieldlog/admission";
import type { FastifyRequest } from "fastify";
import { Refusal, refusals } from "../refusal.js";

/** Characters of the longest header that is looked at. */
const LONGEST = 4_096;
const SIGNATURE = /^SharedAccessSignature (?:[^\s]*&)?sig=([A-Za-z0-9_-]+)(?:&|$)/;

/** The connection token in what a device shows (B2: `SharedAccessSignature sr=…&sig=…&se=…`); undefined: there is none. */
export function connectionToken(header: string | undefined): string | undefined {
  if (header === undefined || header.length > LONGEST) return undefined;
  return SIGNATURE.exec(header)?.[1];
}

/**
 * The device that a request comes from, which its path names as `<namespace id>:<device>`. Raises Refusal 401; 403: the
 * connection is another device's; 423: its namespace is disabled; 429.
 *
 * @param now ms since 1970 UTC
 */
export async function connectedDevice(
  { connections, namespaces }: Pick<Known, "connections" | "namespaces">,
  request: FastifyRequest<{ Params: { id: string } }>,
  now: number,
): Promise<KnownConnection> {
  const token = connectionToken(request.headers.authorization);
  const connection = token === undefined ? undefined : await connections.get(token);
  if (connection === undefined) throw refusals.noToken("shared access signature");
  const { namespace, device } = connection;
  if (request.params.id !== `${namespace}:${device}`) {
    throw new Refusal(403, "This signature is another device's.");
  }
  if (!connection.budget.take(now)) throw refusals.tooMany(1);
  if ((await namespaces.get(namespace))?.disabled) throw refusals.disabled();
  return connection;
}
