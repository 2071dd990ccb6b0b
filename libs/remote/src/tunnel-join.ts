import { createHash, timingSafeEqual } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { remote, tunnelJoinSubject } from "@fieldlog/contracts";
import type { NatsConnection } from "@nats-io/transport-node";
import { isAbsence, RemoteUnavailable } from "./remote-devices.js";

/** Milliseconds for an answer of the edge that holds the operator's end. */
const ANSWER_MS = 5_000;

/** Whose tunnel it is. */
export interface TunnelOf {
  /** Id. */
  readonly namespace: string;
  readonly device: string;
}

/** At the operator's end: lets the first in who knows the secret. Returns what ends it. */
export function awaitJoin(
  connection: NatsConnection,
  { tunnel, secret, ...of }: TunnelOf & { readonly tunnel: string; readonly secret: string },
  onJoined: () => void,
): () => void {
  let joined = false;
  const listening = connection.subscribe(tunnelJoinSubject(tunnel), {
    callback: (error, message) => {
      if (error) return;
      const given = fromBinary(remote.JoinTunnelSchema, message.data).secret;
      const isFirst = !joined && timingSafeEqual(hash(given), hash(secret));
      const reply = isFirst ? { joined: true, namespace: of.namespace, device: of.device } : {};
      message.respond(toBinary(remote.JoinTunnelReplySchema, create(remote.JoinTunnelReplySchema, reply)));
      if (!isFirst) return;
      joined = true;
      onJoined();
    },
  });
  return () => listening.unsubscribe();
}

/** At the device's end. undefined: there is no such tunnel, or somebody is in it already. Raises RemoteUnavailable. */
export async function joinTunnel(
  connection: NatsConnection,
  tunnel: string,
  secret: string,
): Promise<TunnelOf | undefined> {
  const asked = toBinary(remote.JoinTunnelSchema, create(remote.JoinTunnelSchema, { secret }));
  try {
    const answer = await connection.request(tunnelJoinSubject(tunnel), asked, { timeout: ANSWER_MS });
    const { joined, namespace, device } = fromBinary(remote.JoinTunnelReplySchema, answer.data);
    return joined ? { namespace, device } : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw new RemoteUnavailable({ cause: error });
  }
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
