import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { CliError } from "../cli-error.js";

/** Where the API is, and with which key it is called. */
export interface Access {
  readonly url: string;
  readonly key: string;
  /** Where the key comes from, for messages. */
  readonly keySource: string;
}

export interface AccessOptions {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * URL: `--url`, FIELDLOG_PUBLIC_URL, or this machine's. Key: `--key`, FIELDLOG_ADMIN_KEY, or the file that
 * `npm start` leaves in its data folder, looked for from the working directory upwards. The file's key is
 * sent to this machine and to FIELDLOG_PUBLIC_URL only: it belongs to that installation.
 *
 * @throws CliError if there is no key or the URL is none
 */
export function findAccess(options: AccessOptions, env: NodeJS.ProcessEnv, cwd: string): Access {
  const local = `http://127.0.0.1:${env["FIELDLOG_HTTP_PORT"] || 8080}`;
  const given = options.url ?? (env["FIELDLOG_PUBLIC_URL"] || local);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CliError(`${given} is not a URL of a server`, { hint: `For example: --url ${local}` });
  }
  const base = url.href.replace(/\/+$/, "");
  if (options.key) return { url: base, key: options.key, keySource: "--key" };
  const fromEnv = env["FIELDLOG_ADMIN_KEY"];
  if (fromEnv) return { url: base, key: fromEnv, keySource: "FIELDLOG_ADMIN_KEY" };

  const ours = options.url === undefined || isThisMachine(url.hostname);
  const file = ours ? findKeyFile(env, cwd) : undefined;
  if (file) return { url: base, key: file.key, keySource: file.path };
  throw new CliError("there is no API key to call the server with", {
    hint: ours
      ? "Start Fieldlog here once (npm start), which leaves an admin key in its data folder, or give one by --key or FIELDLOG_ADMIN_KEY."
      : `The key of the installation in this folder is not sent to ${url.host}. Give that server's by --key or FIELDLOG_ADMIN_KEY.`,
  });
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function findKeyFile(env: NodeJS.ProcessEnv, cwd: string): { path: string; key: string } | undefined {
  const dataDir = env["FIELDLOG_DATA_DIR"] || ".fieldlog";
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const path = resolve(folder, join(dataDir, "secrets", "admin-key"));
    const key = read(path);
    if (key) return { path, key };
    if (folder === dirname(folder)) return undefined;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CliError(`cannot read the key file ${path}: ${code}`, {
      hint: "Run as the user who started Fieldlog, or give a key by --key or FIELDLOG_ADMIN_KEY.",
      cause,
    });
  }
}
