import { CannotOpen } from "./sealing-key.js";

/** The start is refused: what is kept sealed could not be opened. */
export class WrongInstallationKey extends Error {
  override readonly name = "WrongInstallationKey";
  constructor(cause: CannotOpen) {
    super(
      `the installation key does not open this log's keys: check FIELDLOG_INSTALLATION_KEY (${cause.message})`,
      { cause },
    );
  }
}

/** What `open` gives. Raises {@link WrongInstallationKey} where that raises CannotOpen. */
export function openedByInstallation<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw error instanceof CannotOpen ? new WrongInstallationKey(error) : error;
  }
}
