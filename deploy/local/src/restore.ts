import { BackupError, restore } from "@fieldlog/backup";
import type { Screen } from "./screen.js";

/** The backup that was asked for was not put back. */
export class NotRestored extends Error {
  override readonly name = "NotRestored";
}

export interface RestoreInto {
  readonly natsUrl: string;
  readonly postgresUrl: string;
  readonly replicas: number;
}

/** Puts a backup onto the servers that were just started, before any service runs. Raises NotRestored. */
export async function putBack(folder: string, servers: RestoreInto, screen: Screen): Promise<void> {
  try {
    const { manifest } = await restore({ ...servers, folder, replace: false });
    screen.step(`restored the log as of ${manifest.beganAt}; the tables are now built from it`);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    throw new NotRestored(
      `${error.message}\nOnly an empty data directory takes a backup: move nats (or nats-cluster) and postgres out of it, and ` +
        "keep secrets: what is in the backup is opened by its installation key.",
      { cause: error },
    );
  }
}
