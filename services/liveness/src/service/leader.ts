import { underLease } from "@fieldlog/read-model";
import type { Logger } from "@fieldlog/runtime";
import type { Emitter } from "./emitter.js";

export interface LeaderParts {
  /** postgres://… */
  readonly url: string;
  readonly schema: string;
  readonly emitter: Pick<Emitter, "run">;
  readonly logger: Pick<Logger, "info" | "warn">;
}

/** Lets the emitter of one replica work at a time. */
export class Leader {
  private readonly ending = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly parts: LeaderParts) {}

  start(): void {
    const { url, schema, emitter, logger } = this.parts;
    const { signal } = this.ending;
    let told: string | undefined;
    const onChange = (state: string, reason?: string) => {
      if (state === told) return;
      told = state;
      if (state === "away") logger.warn({ reason }, "the lease is away");
      else logger.info({ state }, "lease");
    };
    this.running = underLease({ url, schema, name: "emitter", signal, onChange }, (held) =>
      emitter.run(held),
    );
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }
}
