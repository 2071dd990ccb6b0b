import { setTimeout as delay } from "node:timers/promises";
import { underLease } from "@fieldlog/read-model";
import type { Logger } from "@fieldlog/runtime";
import { SCHEMA } from "../read-model.js";
import { Applier, type ApplierParts } from "./applier.js";

/** Milliseconds between two looks at all templates. */
const LOOK_MS = 500;

export interface ApplyingParts extends ApplierParts {
  readonly logger: Pick<Logger, "info" | "warn" | "debug">;
  /** postgres://…, for the lease. */
  readonly url: string;
}

/** Has templates brought to devices by one replica at a time. */
export class Applying {
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: ApplyingParts) {}

  /** Returns at once; waits for Postgres and the log by itself. */
  start(): void {
    const { url, logger } = this.parts;
    const { signal } = this.ending;
    let known: string | undefined;
    const onChange = (state: string, reason?: string) => {
      if (state === known) return;
      known = state;
      if (state === "away") logger.warn({ reason }, "fleet templates wait");
      else logger.info({ state }, "lease of fleet templates");
    };
    const lease = { url, schema: SCHEMA, name: "fleet templates", signal, onChange };
    this.running = underLease(lease, (held) => this.apply(held));
  }

  /** Ends after the devices that are getting one. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  private async apply(signal: AbortSignal): Promise<void> {
    const applier = new Applier(this.parts);
    while (!signal.aborted) {
      await this.look(applier, signal);
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Whatever does not answer is asked again at the next look; no template waits for another one. */
  private async look(applier: Applier, signal: AbortSignal): Promise<void> {
    const { rows, logger } = this.parts;
    try {
      const found = await rows.templates(undefined);
      applier.keep(found);
      for (const one of found) {
        if (signal.aborted) return;
        await applier.look(one, signal).catch((err: unknown) => {
          logger.debug({ err, template: one.id }, "a fleet template waits for the next look");
        });
      }
    } catch (err) {
      logger.debug({ err }, "fleet templates wait for the next look");
    }
  }
}
