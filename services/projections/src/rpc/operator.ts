import type { projections } from "@fieldlog/contracts";
import { listDeadLetters } from "@fieldlog/read-model";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import { checkLimit, given, millis, type Served } from "./requests.js";

type Answers = Pick<
  ServiceImpl<typeof projections.ProjectionsService>,
  "listReadModels" | "rebuildReadModel" | "listDeadLetters" | "retryDeadLetters" | "dropDeadLetters"
>;

/** What an operator sees and asks of the read models themselves, those of all shards. */
export function operator(shards: readonly Served[]): Answers {
  const all = shards.flatMap(({ runners }) => Object.values(runners));
  const byName = new Map(all.map((runner) => [runner.name, runner]));
  const runnerOf = (name: string) => {
    const runner = byName.get(name);
    if (!runner) throw new RpcError("not_found", `there is no read model ${name}`, { name });
    return runner;
  };
  return {
    listReadModels: async () => {
      const statuses = await Promise.all(all.map((runner) => runner.status()));
      return {
        readModels: statuses.map(
          ({ parked, sequence, logSequence, rebuildSequence, reason = "", ...rest }) => ({
            ...{ ...rest, reason, parkedDevices: parked },
            ...{ sequence: BigInt(sequence), logSequence: BigInt(logSequence) },
            ...given("rebuildSequence", rebuildSequence, BigInt),
          }),
        ),
      };
    },
    rebuildReadModel: async ({ name }) => {
      await runnerOf(name).rebuild();
      return {};
    },
    listDeadLetters: async ({ limit }) => {
      checkLimit(limit);
      const letters = await Promise.all(shards.map(({ database }) => listDeadLetters(database, limit)));
      return {
        deadLetters: letters
          .flat()
          .slice(0, limit)
          .map(({ model, namespace, key, position, reason, parkedAt }) => ({
            ...{ readModel: model, namespace, device: key, reason },
            ...{ position: BigInt(position), parkedAt: millis(parkedAt) },
          })),
      };
    },
    retryDeadLetters: async ({ readModel, namespace, device }) => {
      const { done, remaining } = await runnerOf(readModel).retryDeadLetters({ namespace, key: device });
      return { applied: done, remaining };
    },
    dropDeadLetters: async ({ readModel, namespace, device }) => {
      const { done } = await runnerOf(readModel).dropDeadLetters({ namespace, key: device });
      return { dropped: done };
    },
  };
}
