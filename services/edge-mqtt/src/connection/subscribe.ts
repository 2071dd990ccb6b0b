import { limits } from "@fieldlog/contracts";
import type { Principal } from "../access/principal.js";
import { PacketType } from "../codec/packet-type.js";
import { type FilterRequest, readSubscribe } from "../codec/read-packets.js";
import type { Reader } from "../codec/reader.js";
import { protocolError, Reason } from "../codec/reason.js";
import { encodePacket } from "../codec/write.js";
import { QuotaExceeded } from "../sessions/errors.js";
import type { Session, SubscribeRequest } from "../sessions/types.js";
import { type Client, Hold } from "./client.js";
import { failed } from "./release.js";
import { parseFilter } from "./topics.js";

/** 3.1.1 has one code for every refusal (3.9.3 there). */
const FAILURE = 0x80;

/**
 * Takes SUBSCRIBE, and answers with SUBACK [MQTT-3.8.4-1]: one code for each filter, in their order
 * [MQTT-3.9.3-1]. What follows it waits. Raises BadPacket; never rejects.
 */
export function subscribe(client: Client, reader: Reader): void {
  const { packetId, subscriptionIdentifier, requests } = readSubscribe(reader, client.version);
  const accepted: SubscribeRequest[] = [];
  const codes = requests.map((request, index) => {
    // More than a session may hold need not be asked for.
    if (index >= limits.mqttSubscriptions) return Reason.quotaExceeded;
    const checked = check(client, request, subscriptionIdentifier);
    if (typeof checked === "number") return checked;
    accepted.push(checked);
    return request.qos; // [MQTT-3.8.4-8]
  });
  void answer(client, packetId, codes, accepted);
}

async function answer(
  client: Client,
  packetId: number,
  codes: number[],
  accepted: readonly SubscribeRequest[],
): Promise<void> {
  const session = client.session as Session;
  client.hold(Hold.subscriptions);
  try {
    const made = accepted.length === 0 || (await make(session, accepted));
    if (client.phase !== "ended") {
      sendSuback(client, packetId, made ? codes : codes.map((code) => refusedUnless(code)));
      if (made && accepted.length > 0) session.deliverRetained();
    }
  } catch (error) {
    failed(client, error);
  }
  client.release(Hold.subscriptions);
}

/** False: they were too many, and none was made. */
async function make(session: Session, accepted: readonly SubscribeRequest[]): Promise<boolean> {
  try {
    await session.subscribe(accepted);
    return true;
  } catch (error) {
    if (error instanceof QuotaExceeded) return false;
    throw error;
  }
}

function refusedUnless(code: number): number {
  return code < FAILURE ? Reason.quotaExceeded : code;
}

function sendSuback(client: Client, messageId: number, codes: readonly number[]): void {
  const { version, maximum } = client;
  const granted = version === 5 ? [...codes] : codes.map((code) => Math.min(code, FAILURE));
  client.write(encodePacket({ cmd: "suback", messageId, granted }, version, maximum), PacketType.suback);
}

/** What the session is to be asked for; or the reason code of the refusal. Raises BadPacket. */
function check(
  { parts, principal, dialect }: Client,
  request: FilterRequest,
  id: number | undefined,
): SubscribeRequest | number {
  if (dialect?.offers(request.filter)) return request.qos;
  const parsed = parseFilter(request.filter);
  if (parsed === undefined) return Reason.topicFilterInvalid;
  const { filter, share } = parsed;
  if (share !== undefined && request.noLocal) throw protocolError("no local on a shared subscription"); // [MQTT-3.8.3-4]
  if (!parts.access.maySubscribe(principal as Principal, filter)) return Reason.notAuthorized;
  const { qos, noLocal, retainAsPublished, retainHandling } = request;
  return {
    ...{ filter, qos, noLocal, retainAsPublished, retainHandling },
    ...(share === undefined ? {} : { share }),
    ...(id === undefined ? {} : { id }),
  };
}
