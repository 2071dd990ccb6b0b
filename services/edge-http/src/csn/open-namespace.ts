import type { Known, KnownNamespace } from "@fieldlog/admission";
import type { CsnRequest } from "./door.js";
import { type Refusal, refusals } from "./refusal.js";

/** The namespace of a message that nobody signs. One that is closed to CSN is not told from one that does not exist. */
export async function openNamespace(
  { namespaces }: Pick<Known, "namespaces">,
  { namespace: asked }: CsnRequest,
): Promise<KnownNamespace | Refusal> {
  const namespace = await namespaces.get(asked);
  return namespace === undefined || namespace.closedToCsn ? refusals.unknownNamespace(asked) : namespace;
}
