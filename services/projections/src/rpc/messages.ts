import { fromBinary } from "@bufbuild/protobuf";
import { type projections, signals } from "@fieldlog/contracts";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import { type MessageFound, pageOfMessages, pageOfRetained } from "../messages/query.js";
import { checkLimit, given, millis, reach, type Served } from "./requests.js";

type Answers = Pick<ServiceImpl<typeof projections.ProjectionsService>, "listMessages" | "listRetained">;

export function messagesAndRetained({ database, runners }: Served): Answers {
  return {
    listMessages: async ({ namespace, topicFilter: filter, after, limit, atLeast }) => {
      checkLimit(limit);
      await reach(atLeast, runners.messages);
      const asked = { namespace, filter, limit, ...given("after", after, Number) };
      const { messages, next } = await pageOfMessages(database, asked);
      return { messages: messages.map(toMessage), ...given("next", next, BigInt) };
    },
    listRetained: async ({ namespace, topicFilter: filter, after, limit, atLeast }) => {
      checkLimit(limit);
      // A subscriber gets what is newer as it comes: a message that is missing here it would never get.
      if (!(await reach(atLeast, runners.messages))) {
        throw new RpcError("unavailable", "the read model has not come that far");
      }
      const { messages, next } = await pageOfRetained(database, { namespace, filter, after, limit });
      return { messages: messages.map(toMessage), next: next ?? "" };
    },
  };
}

function toMessage({ position, device, received_at, payload, publication }: MessageFound) {
  return {
    ...{ position: BigInt(position), device, receivedAt: millis(received_at), payload },
    publication: fromBinary(signals.PublicationSchema, publication),
  };
}
