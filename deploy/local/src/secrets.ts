import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Secret {
  value: string;
  /** The file that keeps it, mode 0600. */
  file: string;
  /** Made, or given, for the first time: nobody has been shown it yet. */
  isNew: boolean;
}

/** The secrets of an installation, by the names of their files. */
const MAKE = {
  "admin-key": () => `fl_${randomBytes(32).toString("base64url")}`,
  "internal-token": () => randomBytes(32).toString("base64url"),
  "installation-key": () => randomBytes(32).toString("base64"),
};

export type SecretName = keyof typeof MAKE;

/** The installation's sealing key was given, and is another one than that which sealed what is there. */
export class OtherInstallationKey extends Error {
  constructor(readonly file: string) {
    super(
      `FIELDLOG_INSTALLATION_KEY is not the key of this data directory (${file}): ` +
        "what was sealed with that one could not be read any more. Unset it, or use another FIELDLOG_DATA_DIR.",
    );
    this.name = "OtherInstallationKey";
  }
}

/**
 * A secret of the installation: the given one, else the one that `dataDir` keeps, else a new random one. It is kept
 * for the next start. Raises OtherInstallationKey.
 */
export async function keptSecret(
  dataDir: string,
  name: SecretName,
  given: string | undefined,
): Promise<Secret> {
  const folder = join(dataDir, "secrets");
  const file = join(folder, name);
  const kept = (await readFile(file, "utf8").catch(ignoreMissing)).trim();
  if (given && kept && given !== kept && name === "installation-key") throw new OtherInstallationKey(file);
  const value = given || kept || MAKE[name]();
  if (value !== kept) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, `${value}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  return { value, file, isNew: value !== kept };
}

function ignoreMissing(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "";
  throw error;
}
