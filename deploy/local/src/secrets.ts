import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
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
        "what was sealed with that one could not be read any more. Unset it, use another FIELDLOG_DATA_DIR, or " +
        "exchange it as deploy/README.md says.",
    );
    this.name = "OtherInstallationKey";
  }
}

/**
 * A secret of the installation: the given one, else the one that `dataDir` keeps, else a new random one. It is kept
 * for the next start. An installation key is exchanged in steps, each of which has a key in common with the one before;
 * what a step leaves is kept beside it, in `installation-key.before`. Raises OtherInstallationKey.
 */
export async function keptSecret(
  dataDir: string,
  name: SecretName,
  given: string | undefined,
): Promise<Secret> {
  const folder = join(dataDir, "secrets");
  const file = join(folder, name);
  const kept = (await readFile(file, "utf8").catch(ignoreMissing)).trim();
  if (name === "installation-key" && given && kept && !haveOneInCommon(given, kept)) {
    throw new OtherInstallationKey(file);
  }
  const value = given || kept || MAKE[name]();
  if (value !== kept) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Should anything still need a key that was left out, it is not lost.
    if (name === "installation-key" && kept) await copyFile(file, `${file}.before`);
    await writeFile(`${file}.new`, `${value}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  return { value, file, isNew: value !== kept };
}

function haveOneInCommon(given: string, kept: string): boolean {
  const keys = new Set(kept.split(","));
  return given.split(",").some((key) => keys.has(key));
}

function ignoreMissing(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "";
  throw error;
}
