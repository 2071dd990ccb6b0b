import type { projections } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import type { Retained } from "./sessions/retained.js";
import type { QoS } from "./sessions/types.js";
import { messageOf } from "./subscriptions/outbound-message.js";

/** Messages of one page; each may be as large as a signal. */
const PAGE = 64;

/** The retained messages, as `projections` has them once it has read the log so far as is asked for. */
export function retainedMessages(
  client: Pick<RpcClient<typeof projections.ProjectionsService>, "listRetained">,
): Retained {
  return async (namespace, topicFilter, atLeast, after) => {
    const { messages, next } = await client.listRetained({
      ...{ namespace, topicFilter, after, limit: PAGE, atLeast: BigInt(atLeast) },
    });
    return {
      next,
      messages: messages.flatMap(({ position, payload, publication }) =>
        publication === undefined
          ? []
          : [
              {
                message: messageOf(Number(position), publication, payload),
                qos: publication.qos as QoS,
                clientId: publication.clientId,
              },
            ],
      ),
    };
  };
}
