import { randomUUID } from "node:crypto";
import { Budget } from "@fieldlog/admission";
import type { Principal } from "../access/principal.js";
import type { Publishing } from "../publish/publishing.js";
import type { PublishWill } from "../sessions/types.js";

/** By it liveness tells that a message is no sign of life of its device. */
const WILL = "will/";

/**
 * Lets wills into the log, on behalf of who left them. Whether that may publish at all was asked at CONNECT. Of a device
 * it says first that it was killed, so that whoever tries again tells nothing new.
 */
export function willsThrough(publishing: Pick<Publishing, "publish" | "killed">): PublishWill {
  return async ({ namespace, clientId, principal: name }, { delayS: _, id: willId, ...will }) => {
    const colon = name.indexOf(":");
    const kind = name.slice(0, colon) as Principal["kind"];
    const id = name.slice(colon + 1);
    if (kind === "device" && (await publishing.killed(namespace, id)).kind === "unavailable") return false;
    const outcome = await publishing.publish(
      {
        ...{ namespace, namespaceName: "", kind, id, proof: { key: "" } },
        permission: kind === "device" ? "device" : "write",
        budget: new Budget(1, 1),
      },
      { ...will, clientId, dup: false, identity: `${WILL}${willId ?? randomUUID()}` },
    );
    return outcome.kind !== "unavailable";
  };
}
