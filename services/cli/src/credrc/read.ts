import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { parse } from "yaml";
import { CredrcError } from "./credrc-error.js";
import { credrcPlaces, type Whereabouts } from "./places.js";

/** A configuration file of cred's own server, as its keys name it. */
export interface Credrc {
  /** Absent: there is none, and the defaults hold. */
  readonly path: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly scheduler: boolean;
  readonly schedulerPeriod: number;
  readonly pingtimeout: number;
}

/** Exactly these, no more and no less (B9). */
const KEYS = ["SSL", "approot", "database", "host", "pingtimeout", "port", "scheduler", "schedulerPeriod"];
const INVALID = "Invalid configuration file! (either missing or too many fields!)";
const DEFAULTS: Credrc = {
  ...{ path: undefined, host: "*", port: 5000, scheduler: false, schedulerPeriod: 30, pingtimeout: 240 },
};
/** Bytes of a file that can be one. */
const LARGEST = 16 * 1024;

/**
 * The file that is named, else the first that is found where the original looks, else the original's defaults.
 * Raises CredrcError.
 */
export function readCredrc(
  named: string | undefined,
  {
    env,
    cwd,
    home = homedir(),
    platform = process.platform,
  }: Partial<Whereabouts> & Pick<Whereabouts, "env" | "cwd">,
): Credrc {
  if (named !== undefined) return readFile(resolve(cwd, named), named);
  const found = credrcPlaces({ env, cwd, home, platform }).find(isFile);
  return found === undefined ? DEFAULTS : readFile(found, found);
}

function readFile(path: string, named: string): Credrc {
  if (!isFile(path)) throw new CredrcError(`Found no file at ${named}`);
  if (statSync(path).size > LARGEST) throw new CredrcError(INVALID);
  return { path: named, ...credrcIn(readFileSync(path, "utf8")) };
}

/** What such a file says. Raises CredrcError. */
export function credrcIn(text: string): Omit<Credrc, "path"> {
  const json = fieldsOf(text);
  const fields = new Map(Object.entries(json));
  if ([...fields.keys()].sort().join() !== KEYS.join()) throw new CredrcError(INVALID);
  const host = fields.get("host");
  if (typeof host !== "string") throw wrong("host", "a text");
  const scheduler = fields.get("scheduler");
  if (typeof scheduler !== "boolean") throw wrong("scheduler", "True or False");
  const whole = (name: string) => {
    const value = fields.get(name);
    if (!Number.isSafeInteger(value)) throw wrong(name, "a whole number");
    return value as number;
  };
  const numbers = {
    ...{ port: whole("port"), schedulerPeriod: whole("schedulerPeriod"), pingtimeout: whole("pingtimeout") },
  };
  return { host, scheduler, ...numbers };
}

/** As Python's yaml reads it: True, yes and on are the same. */
function fieldsOf(text: string): object {
  try {
    const json: unknown = parse(text, { version: "1.1", logLevel: "silent" });
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  } catch {
    // No YAML at all: not a configuration either.
  }
  throw new CredrcError(INVALID);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function wrong(name: string, wanted: string): CredrcError {
  return new CredrcError(`Invalid configuration file! (${name} must be ${wanted})`);
}
