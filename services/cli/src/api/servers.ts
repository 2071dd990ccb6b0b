import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { CliError } from "../cli-error.js";
import type { World } from "../world.js";

type Place = Pick<World, "env" | "cwd">;

/**
 * Where NATS is: FIELDLOG_NATS_URL, else the servers that `npm start` runs in its data folder, looked for from the
 * working directory upwards. Raises CliError.
 */
export function natsUrl({ env, cwd }: Place): string {
  const given = env["FIELDLOG_NATS_URL"];
  if (given) return given;
  const dataDir = env["FIELDLOG_DATA_DIR"] || ".fieldlog";
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = startedServers(resolve(folder, dataDir));
    if (found.length > 0) return found.join(",");
    if (folder === dirname(folder)) break;
  }
  throw new CliError("it is not known where NATS is", {
    hint: "Run this where npm start keeps its data folder, or set FIELDLOG_NATS_URL: nats://user:password@host:4222",
  });
}

/** Where Postgres is: FIELDLOG_POSTGRES_URL. Raises CliError. */
export function postgresUrl({ env }: Place): string {
  const given = env["FIELDLOG_POSTGRES_URL"];
  if (given) return given;
  throw new CliError("it is not known where Postgres is, whose tables are of the log that is put back", {
    hint:
      "Set FIELDLOG_POSTGRES_URL: postgres://user:password@host:5432/fieldlog. " +
      "Where npm start runs everything: npm start -- --restore <folder>",
  });
}

/** One, or three where the log is kept by a cluster; none: no data folder of ours. */
function startedServers(dataDir: string): string[] {
  const one = join(dataDir, "nats");
  const several = join(dataDir, "nats-cluster");
  const members = [1, 2, 3].map((n) => startedNats(join(several, `nats-${n}`), several));
  return [startedNats(one, one), ...members].filter((found) => found !== undefined);
}

/** Of the configuration and the password that the server was started with last. */
function startedNats(folder: string, withPassword: string): string | undefined {
  try {
    const [, address] =
      /^listen: "(127\.0\.0\.1:\d+)"/m.exec(readFileSync(join(folder, "nats.conf"), "utf8")) ?? [];
    const password = readFileSync(join(withPassword, "password"), "utf8").trim();
    return address && `nats://fieldlog:${encodeURIComponent(password)}@${address}`;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CliError(`cannot read ${folder}: ${code}`, {
      hint: "Run as the user who started Fieldlog.",
      cause,
    });
  }
}
