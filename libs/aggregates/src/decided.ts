import { fromBinary } from "@bufbuild/protobuf";
import { type AggregateId, aggregateOf, positionOf, registry } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import type { LogRecord } from "@fieldlog/read-model";

/** One decision and the aggregate that it belongs to. */
export interface Decided {
  readonly id: AggregateId;
  readonly sequence: number;
  readonly decision: registry.Decision;
}

/** A commit of REGISTRY as a read model's record, parked by its aggregate; none where it is of another kind. */
export function decidedIn(commit: Commit, kinds: { has(kind: string): boolean }): LogRecord<Decided>[] {
  const id = aggregateOf(commit.subject);
  if (!kinds.has(id.kind)) return [];
  const decision = fromBinary(registry.DecisionSchema, commit.data);
  return [
    {
      namespace: id.namespace,
      key: `${id.kind}/${id.id}`,
      position: positionOf(commit.sequence, 0),
      time: commit.time,
      value: { id, sequence: commit.sequence, decision },
      ...(commit.traceParent === undefined ? {} : { traceParent: commit.traceParent }),
    },
  ];
}
