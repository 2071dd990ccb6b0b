import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type AggregateId, REGISTRY, registry, registrySubject } from "@fieldlog/contracts";
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
} from "@nats-io/jetstream";
import { LogUnavailable, SequenceConflict, unavailable } from "./errors.js";
import { messageOrNull } from "./message.js";
import { publish } from "./publish.js";

export interface RecordedDecision {
  readonly sequence: number;
  readonly decision: registry.Decision;
}

/** The log of decisions: one subject is one aggregate's history. */
export class Registry {
  constructor(
    private readonly js: JetStreamClient,
    private readonly jsm: JetStreamManager,
    /** While it says no, everything is refused at once. */
    private readonly connected: () => boolean = () => true,
  ) {}

  /**
   * Appends a decision if the aggregate has not moved on from `expectedSequence` (0: it must not exist).
   *
   * @returns the decision's sequence, once it is stored durably
   * @throws SequenceConflict if another writer was first; LogUnavailable if it is not known to be stored
   */
  async append(
    id: AggregateId,
    decision: MessageInitShape<typeof registry.DecisionSchema>,
    expectedSequence: number,
  ): Promise<number> {
    this.checkConnected();
    const subject = registrySubject(id);
    const data = toBinary(registry.DecisionSchema, create(registry.DecisionSchema, decision));
    try {
      return await publish(this.js, {
        subject,
        data,
        stream: REGISTRY,
        expect: { lastSubjectSequence: expectedSequence },
      });
    } catch (error) {
      if (isWrongSequence(error)) throw new SequenceConflict(subject, expectedSequence);
      throw error;
    }
  }

  /**
   * An aggregate's decisions after a sequence (0: all), oldest first. Reads message by message from the
   * stream's leader, so it is always current and needs no consumer; meant for the few that a snapshot lacks.
   *
   * @throws LogUnavailable
   */
  async read(id: AggregateId, after: number): Promise<RecordedDecision[]> {
    this.checkConnected();
    const subject = registrySubject(id);
    const found: RecordedDecision[] = [];
    for (let next = after + 1; ; ) {
      const message = await this.get({ seq: next, next_by_subj: subject });
      if (message === null) return found;
      found.push({ sequence: message.seq, decision: fromBinary(registry.DecisionSchema, message.data) });
      next = message.seq + 1;
    }
  }

  /** The decision at a sequence, of whichever aggregate; undefined: the stream has none there. Raises LogUnavailable. */
  async at(sequence: number): Promise<registry.Decision | undefined> {
    this.checkConnected();
    const message = await this.get({ seq: sequence });
    return message === null ? undefined : fromBinary(registry.DecisionSchema, message.data);
  }

  private checkConnected(): void {
    if (!this.connected()) throw new LogUnavailable("not connected to NATS");
  }

  private async get(query: { seq: number; next_by_subj?: string }) {
    try {
      return await messageOrNull(this.jsm, REGISTRY, query);
    } catch (error) {
      throw unavailable(error);
    }
  }
}

function isWrongSequence(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}
