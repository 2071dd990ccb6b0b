import type { MessageInitShape } from "@bufbuild/protobuf";
import { type auth, isId } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { type CreatedNamespace, retentionOf } from "../decisions/namespace.js";
import { NotFound } from "../decisions/refusals.js";
import { askedSettings, SETTINGS, type Settings, settingsMessage } from "../decisions/settings.js";
import type { Answering, AuthCalls } from "./calls.js";

type Calls =
  | "createNamespace"
  | "listNamespaces"
  | "getNamespace"
  | "setRetention"
  | "setNamespaceSettings"
  | "clearNamespace";

/** Namespaces: how long their data are kept, how they are set, and the clearing of one. */
export function namespaceCalls({ namespaces, users, seen, clear }: Answering): Pick<AuthCalls, Calls> {
  return {
    createNamespace: async ({ name, owner, openToCsn, shard, decidedBy }) => {
      if (owner !== "") await checkOwner(users, owner);
      const settings: Settings = openToCsn ? SETTINGS : { ...SETTINGS, closedToCsn: true };
      const { created, sequence } = await namespaces.create({ name, owner, settings, shard }, decidedBy);
      await seen(sequence);
      return { namespace: toNamespace(created), sequence: BigInt(sequence) };
    },
    listNamespaces: async () => ({ namespaces: (await namespaces.list()).map(toNamespace) }),
    getNamespace: async ({ idOrName }) => ({ namespace: toNamespace(await namespaces.get(idOrName)) }),
    setRetention: async ({ namespace, retention, decidedBy }) => {
      if (!retention) throw new InvalidField("retention", "is missing");
      const sequence = await namespaces.setRetention(namespace, retentionOf(retention), decidedBy);
      await seen(sequence);
      return { sequence: BigInt(sequence) };
    },
    setNamespaceSettings: async ({ namespace, settings, decidedBy }) => {
      if (!settings) throw new InvalidField("settings", "is missing");
      const sequence = await namespaces.setSettings(namespace, askedSettings(settings), decidedBy);
      await seen(sequence);
      return { sequence: BigInt(sequence) };
    },
    clearNamespace: async ({ namespace, decidedBy }) => {
      if (!isId(namespace)) throw new NotFound("namespace");
      const cleared = await clear(namespace, decidedBy);
      await seen(cleared.registryBefore);
      return {
        signalsBefore: BigInt(cleared.signalsBefore),
        registryBefore: BigInt(cleared.registryBefore),
        signals: BigInt(cleared.signals),
        decisions: BigInt(cleared.decisions),
      };
    },
  };
}

/** Raises InvalidField unless it is a user's id. */
async function checkOwner(users: Answering["users"], id: string): Promise<void> {
  try {
    if (!isId(id)) throw new NotFound("user");
    await users.withId(id);
  } catch (error) {
    throw error instanceof NotFound ? new InvalidField("owner", "is no user's id") : error;
  }
}

export function toNamespace({
  id,
  name,
  createdAt,
  retention,
  settings,
  disabled,
}: CreatedNamespace): MessageInitShape<typeof auth.NamespaceSchema> {
  return {
    ...{ id, name, createdAt: BigInt(createdAt), retention: { ...retention } },
    settings: settingsMessage(settings),
    ...(disabled === undefined ? {} : { disabled: true, disabledReason: disabled }),
  };
}
