import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type AggregateId, registry, registrySubject } from "@fieldlog/contracts";
import { SequenceConflict } from "@fieldlog/event-log";

export interface Appended {
  readonly subject: string;
  readonly sequence: number;
  readonly decision: registry.Decision;
}

/** The registry's rules in memory: one sequence over all subjects, and each append expects its subject's last. */
export class MemoryRegistry {
  readonly decisions: Appended[] = [];

  async append(
    aggregate: AggregateId,
    init: MessageInitShape<typeof registry.DecisionSchema>,
    expected: number,
  ): Promise<number> {
    const subject = registrySubject(aggregate);
    const last = this.decisions.findLast((known) => known.subject === subject)?.sequence ?? 0;
    if (last !== expected) throw new SequenceConflict(subject, expected);
    const sequence = this.decisions.length + 1;
    this.decisions.push({ subject, sequence, decision: create(registry.DecisionSchema, init) });
    return sequence;
  }

  async read(aggregate: AggregateId, after: number): Promise<Appended[]> {
    const subject = registrySubject(aggregate);
    return this.decisions.filter((known) => known.subject === subject && known.sequence > after);
  }

  async at(sequence: number): Promise<registry.Decision | undefined> {
    return this.decisions[sequence - 1]?.decision;
  }
}
