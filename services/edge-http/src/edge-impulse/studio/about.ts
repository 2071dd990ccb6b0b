import type { KnownKey, KnownNamespace } from "@fieldlog/admission";
import type { z } from "zod";
import type { NewKey } from "./input.js";
import { projectIdOf } from "./numbers.js";
import { type Call, note, type StudioParts } from "./parts.js";

const OWNER = "Fieldlog";

/** What a client checks its key with. */
export async function listProjects({ projects }: StudioParts, key: KnownKey) {
  return { projects: (await projects.of(key)).map(projectJson) };
}

/** A key stands for a person here; nobody has an organization of their own. */
export async function getUser(_parts: StudioParts, key: KnownKey) {
  const name = `key-${key.id}`;
  return {
    ...{ id: 1, username: name, name, email: "", activated: true },
    organizations: [{ id: 1, name: OWNER, isDeveloperProfile: true }],
    projects: [],
  };
}

export async function getProject(_parts: StudioParts, { caller }: Call) {
  return { project: projectJson(caller.namespace) };
}

/** The oldest; made, where there is none yet. */
export async function getHmacKey({ auth }: StudioParts, { caller }: Call) {
  const { keys } = await auth.listHmacKeys({ namespace: caller.namespace.id, ensure: true });
  return { hmacKey: keys[0]?.key ?? "" };
}

/** One of the dialect's keys, for a client that logged in with another one. */
export async function createKey(parts: StudioParts, { caller, body }: Call<z.output<typeof NewKey>>) {
  const { namespace, decidedBy } = caller;
  const { key, secret, sequence } = await parts.auth.createApiKey({
    ...{ namespace: namespace.id, kind: "edge-impulse", permission: "write", name: body.name, decidedBy },
  });
  note(parts, namespace.id, sequence);
  return { id: Number(key?.number ?? 0), apiKey: secret };
}

function projectJson({ id, name }: KnownNamespace) {
  return { id: projectIdOf(id), name, owner: OWNER, description: "", whitelabelId: null, isPublic: false };
}
