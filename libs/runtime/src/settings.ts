import { edgeImpulsePorts, type Setting, settingsTable } from "./settings-table.js";

type Table = typeof settingsTable;
type Key = keyof Table;

/** Every operator setting by its name in code, parsed and frozen. */
export type Settings = Readonly<{
  [K in Key]: Table[K] extends Setting<infer T, infer D> ? (D extends undefined ? T | undefined : T) : never;
}>;

/** Names every setting that is wrong, all at once. */
export class SettingsError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the settings are not right:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
    this.name = "SettingsError";
    this.problems = problems;
  }
}

const entries = Object.entries(settingsTable) as [Key, Setting<unknown>][];
const PORTS = [
  ...(["httpPort", "httpsPort", "mqttPort", "mqttsPort", "mqttWsPort", "mqttWssPort"] as const),
  ...(["wsPort", "wssPort", "opsPort"] as const),
];

/**
 * Settings from environment variables; `overrides` win over those and are checked alike. An empty
 * variable counts as absent. Raises {@link SettingsError} for unknown FIELDLOG_ names, bad values
 * and contradictions.
 */
export function readSettings(env: NodeJS.ProcessEnv, overrides: Partial<Settings> = {}): Settings {
  const problems = unknownNames(env);
  const values: Partial<Record<Key, unknown>> = {};
  for (const [key, setting] of entries) {
    const given = overrides[key] ?? env[setting.name];
    const text = given === undefined ? "" : String(given).trim();
    try {
      values[key] = text === "" ? setting.fallback : setting.parse(text);
    } catch (error) {
      const shown = setting.secret ? "" : ` (is ${JSON.stringify(withoutPassword(text))})`;
      problems.push(`${setting.name} ${(error as Error).message}${shown}`);
    }
  }
  const settings = values as Settings;
  problems.push(...contradictions(settings));
  if (problems.length > 0) throw new SettingsError(problems);
  return Object.freeze(settings);
}

/** The settings, with those named certain to be there. Raises {@link SettingsError} naming all that are absent. */
export function need<K extends Key>(
  settings: Settings,
  ...keys: K[]
): Settings & { readonly [P in K]: NonNullable<Settings[P]> } {
  const absent = keys.filter((key) => settings[key] === undefined);
  if (absent.length > 0) {
    throw new SettingsError(
      absent.map((key) => `${settingsTable[key].name} is required: ${settingsTable[key].doc}`),
    );
  }
  return settings as Settings & { readonly [P in K]: NonNullable<Settings[P]> };
}

/** The settings by variable name, fit for a log: no secrets, no passwords in URLs, nothing absent. */
export function describeSettings(settings: Settings): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [key, setting] of entries) {
    const value = settings[key];
    if (value === undefined) continue;
    shown[setting.name] = setting.secret ? "[redacted]" : withoutPassword(value);
  }
  return shown;
}

/** Text without the user and password of any URL in it. */
export function withoutPassword<T>(value: T): T {
  return typeof value === "string" ? (value.replace(/:\/\/[^/\s,"@]*@/g, "://***@") as T) : value;
}

function contradictions(settings: Settings): string[] {
  const problems: string[] = [];
  if ((settings.tlsCert === undefined) !== (settings.tlsKey === undefined)) {
    problems.push("FIELDLOG_TLS_CERT and FIELDLOG_TLS_KEY go together: one is set, the other is not");
  }
  const storage = ["s3Endpoint", "s3Bucket", "s3AccessKey", "s3SecretKey"] as const;
  const absent = storage.filter((key) => settings[key] === undefined);
  if (absent.length > 0 && (absent.length < storage.length || settings.s3Direct)) {
    const names = absent.map((key) => settingsTable[key].name);
    problems.push(`S3 is set in part: absent is ${names.join(", ")}`);
  }
  const owners = new Map<number, string>();
  if (settings.edgeImpulseLocalPorts) {
    const { name } = settingsTable.edgeImpulseLocalPorts;
    for (const port of Object.values(edgeImpulsePorts)) owners.set(port, name);
  }
  for (const key of PORTS) {
    const port = settings[key];
    if (port === undefined || port === 0) continue;
    const owner = owners.get(port);
    if (owner) problems.push(`${owner} and ${settingsTable[key].name} are both ${port}`);
    owners.set(port, settingsTable[key].name);
  }
  return problems;
}

function unknownNames(env: NodeJS.ProcessEnv): string[] {
  const known = entries.map(([, setting]) => setting.name);
  return Object.keys(env)
    .filter((name) => name.startsWith("FIELDLOG_") && !known.includes(name))
    .sort()
    .map((name) => {
      const nearest = known
        .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
        .sort((a, b) => a.distance - b.distance)[0];
      const hint = nearest && nearest.distance <= 4 ? `; did you mean ${nearest.candidate}?` : "";
      return `${name} is not a setting${hint}`;
    });
}

/** Letters to insert, delete or replace to get from one text to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replace = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
