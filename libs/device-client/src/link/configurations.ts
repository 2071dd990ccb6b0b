import type { Store } from "../store/store.js";
import { acknowledgmentMessage } from "../telling/messages.js";
import type { Consumer } from "./consumers.js";

/** A revision of the device's configuration, as a user wrote it. */
export interface Configuration {
  readonly revision: number;
  readonly configuration: unknown;
}

/** Takes a configuration over, or rejects: then it is not accepted. */
export type ConfigurationHandler = (configuration: Configuration) => void | Promise<void>;

const NEWEST = "configuration-revision";

export function configurationTopic(deviceId: string): string {
  return `configurations/${deviceId}`;
}

/** Hands over each revision that is newer than all before, and tells the platform whether it is accepted. */
export function ofConfiguration(
  { state, outbox }: Store,
  handler: ConfigurationHandler,
  failed: (error: unknown) => void,
): Consumer {
  return {
    takes: (topic) => topic.startsWith("configurations/"),
    handle: async ({ payload }) => {
      const told = configurationIn(payload);
      if (told === undefined || told.revision <= (state.get<number>(NEWEST) ?? -1)) return undefined;
      const accepted = await isAccepted(told, handler, failed);
      const answer = acknowledgmentMessage(told.revision, accepted, new Date());
      return () => {
        state.set(NEWEST, told.revision);
        outbox.add(answer);
      };
    },
  };
}

async function isAccepted(
  told: Configuration,
  handler: ConfigurationHandler,
  failed: (error: unknown) => void,
): Promise<boolean> {
  try {
    await handler(told);
    return true;
  } catch (error) {
    failed(error);
    return false;
  }
}

function configurationIn(payload: Uint8Array): Configuration | undefined {
  try {
    const { revision, configuration } = JSON.parse(Buffer.from(payload).toString("utf8"));
    return Number.isSafeInteger(revision) ? { revision, configuration } : undefined;
  } catch {
    return undefined;
  }
}
