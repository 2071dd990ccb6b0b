import { type Decided, snapshotModel } from "@fieldlog/aggregates";
import type { ReadModelDefinition } from "@fieldlog/read-model";
import { type ApiKeyState, apiKey } from "./decisions/api-key.js";
import { credential } from "./decisions/credential.js";
import { type Namespace, namespace } from "./decisions/namespace.js";

/** auth's schema in Postgres. */
export const SCHEMA = "auth";

/** Namespaces by id as well, API keys by hash. Raise `version` when a state changes. */
export const readModel: ReadModelDefinition<Decided> = snapshotModel({
  version: 1,
  kinds: [
    {
      decider: namespace,
      keys: (state: Namespace) => (state.phase === "created" ? [state.id] : []),
    },
    {
      decider: apiKey,
      keys: (state: ApiKeyState) => (state.phase === "live" ? [state.hash] : []),
    },
    { decider: credential },
  ],
});
