import { randomUUID } from "node:crypto";
import type { Aggregates } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import {
  type Asked,
  ask,
  checkAsked,
  dataRequest,
  expire,
  fulfil,
  type MadeRequest,
  withdraw,
} from "../decisions/data-request.js";
import { TooManyRequests, UnknownRequest } from "../decisions/refusals.js";
import type { FoundRequest, RequestsAsked } from "../table/rows.js";
import type { Reader } from "./reader.js";

/** What users ask devices for. Raises the refusals of its decisions, and what Aggregates raises. */
export class Requests {
  constructor(
    private readonly aggregates: Aggregates,
    private readonly reader: Reader,
    private readonly now: () => number = Date.now,
  ) {}

  async create(
    namespace: string,
    asked: Asked,
    decidedBy: string,
  ): Promise<FoundRequest & { readonly sequence: number }> {
    checkAsked(asked, this.now());
    const open = await this.reader.rows.openRequests(namespace);
    // Of several at the same moment a few more may pass.
    if (open.length >= limits.openRequests) throw new TooManyRequests(limits.openRequests);
    for (;;) {
      const id = randomUUID();
      const begun = await this.aggregates.begin(dataRequest, { namespace, id }, ask(asked), decidedBy);
      if (!begun) continue;
      const { state, sequence } = begun;
      return { id, request: state as MadeRequest, uploads: 0, sequence };
    }
  }

  /** Returns the sequence of the decision. */
  async withdraw(namespace: string, id: string, decidedBy: string): Promise<number> {
    const done = await this.aggregates.transact(dataRequest, { namespace, id }, withdraw, decidedBy);
    return done.snapshot.sequence;
  }

  async get(namespace: string, id: string): Promise<FoundRequest> {
    const { state } = await this.aggregates.current(dataRequest, { namespace, id });
    if (state.phase === "none") throw new UnknownRequest();
    const found = await this.reader.rows.request(namespace, id);
    return { id, request: state, uploads: found?.uploads ?? 0 };
  }

  list(asked: RequestsAsked): Promise<FoundRequest[]> {
    return this.reader.rows.listRequests(asked);
  }

  /** An upload for it is stored. */
  async fulfil(namespace: string, id: string, upload: string): Promise<void> {
    await this.aggregates.transact(dataRequest, { namespace, id }, fulfil(upload), "system");
  }

  async expire(namespace: string, id: string): Promise<void> {
    await this.aggregates.transact(dataRequest, { namespace, id }, expire(this.now()), "system");
  }
}
