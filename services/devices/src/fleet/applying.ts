import { setTimeout as delay } from "node:timers/promises";
import { LeasedWork } from "@fieldlog/read-model";
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
  private readonly leased: LeasedWork;

  constructor(private readonly parts: ApplyingParts) {
    const { url, logger } = parts;
    const lease = { url, schema: SCHEMA, name: "fleet templates", logger };
    this.leased = new LeasedWork(lease, (held) => this.apply(held));
  }

  /** Returns at once; waits for Postgres and the log by itself. */
  start(): void {
    this.leased.start();
  }

  /** Ends after the devices that are getting one. */
  stop(): Promise<void> {
    return this.leased.stop();
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
