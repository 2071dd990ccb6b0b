import { setTimeout as sleep } from "node:timers/promises";
import { Aggregates } from "@fieldlog/aggregates";
import { type DecisionLog, TooManyConflicts } from "@fieldlog/decider";
import { LogUnavailable } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import { ADMIN_KEY, apiKey, setAdminKey } from "../decisions/api-key.js";
import {
  type CreatedNamespace,
  createNamespace,
  namespace,
  namespaceNamed,
  PERMANENT_NAMESPACES,
} from "../decisions/namespace.js";
import type { Keyring } from "./keyring.js";
import { hashOf } from "./secret-hash.js";

export interface FirstStartOptions {
  readonly log: DecisionLog;
  readonly keyring: Keyring;
  readonly adminKey: string | undefined;
  readonly logger: Pick<Logger, "warn">;
}

/**
 * Makes sure that what must exist exists: the namespaces `default` and `test`, and the operator's key.
 * Every replica does so at every start, also at once with others: each is decided once. Reads the log
 * alone, for the read model may not be there yet; waits until the log answers.
 *
 * @returns the newest sequence of these decisions
 * @throws WrongInstallationKey, AdminKeyWithdrawn
 */
export async function firstStart(options: FirstStartOptions, stopped: AbortSignal): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ensure(options);
    } catch (error) {
      if (!(error instanceof LogUnavailable || error instanceof TooManyConflicts)) throw error;
      if (attempt % 10 === 0) options.logger.warn({ reason: error.message }, "waiting for the log");
      await sleep(500, undefined, { signal: stopped });
    }
  }
}

async function ensure({ log, keyring, adminKey, logger }: FirstStartOptions): Promise<number> {
  const aggregates = new Aggregates({ log, snapshots: { load: async () => undefined } });
  const sequences: number[] = [];
  for (const name of PERMANENT_NAMESPACES) {
    const decide = createNamespace({ id: name, name, dataKey: keyring.create(name) });
    const { snapshot } = await aggregates.transact(namespace, namespaceNamed(name), decide, "system");
    keyring.check(snapshot.state as CreatedNamespace);
    sequences.push(snapshot.sequence);
  }
  if (adminKey === undefined) {
    logger.warn("no admin key: FIELDLOG_ADMIN_KEY is not set");
  } else {
    const { snapshot } = await aggregates.transact(
      apiKey,
      ADMIN_KEY,
      setAdminKey(hashOf(adminKey)),
      "system",
    );
    sequences.push(snapshot.sequence);
  }
  return Math.max(...sequences);
}
