import { readSettings, type Setting, SettingsError, settingsTable } from "@fieldlog/runtime";

/** The variable's value; undefined: a secret, of which only the place is known. */
export type Environment = Readonly<Record<string, string | undefined>>;

export const settingNames: readonly string[] = Object.values(settingsTable).map(({ name }) => name);

const EXAMPLES = [
  "example-example-example-example-example",
  `${"A".repeat(43)}=`,
  "nats://nats",
  "postgres://host",
  "https://host",
  "true",
  "1",
];

/** Whether a service would start with it: unknown names, values that are none, contradictions. */
export function environmentProblems(environment: Environment): string[] {
  const ours = Object.entries(environment).filter(([name]) => /^(FIELDLOG|OTEL)_/.test(name));
  const values = ours.map(([name, value]) => [name, value ?? example(name)]);
  try {
    readSettings(Object.fromEntries(values));
    const unknown = ours.map(([name]) => name).filter((name) => !settingNames.includes(name));
    return unknown.map((name) => `${name} is not a setting`);
  } catch (error) {
    if (error instanceof SettingsError) return [...error.problems];
    throw error;
  }
}

/** In place of a secret: something of its form. */
function example(name: string): string | undefined {
  const setting = Object.values(settingsTable).find((one) => one.name === name) as
    | Setting<unknown>
    | undefined;
  return EXAMPLES.find((text) => {
    try {
      setting?.parse(text);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Every setting is set somewhere in the manifests of a shape, or `byDefault` says why its default is right there.
 * `set`: by the name of the shape, what is set in it.
 */
export function settingsLeft(
  set: Readonly<Record<string, ReadonlySet<string>>>,
  byDefault: Readonly<Record<string, string>>,
): string[] {
  const shapes = Object.entries(set);
  const left = shapes.flatMap(([shape, names]) =>
    settingNames
      .filter((name) => !names.has(name) && byDefault[name] === undefined)
      .map((name) => `${shape}: ${name} is not set, and deploy/settings-by-default.json does not say why`),
  );
  const stale = Object.keys(byDefault).filter((name) => shapes.every(([, names]) => names.has(name)));
  const unknown = Object.keys(byDefault).filter((name) => !settingNames.includes(name));
  return [
    ...left,
    ...stale.map((name) => `deploy/settings-by-default.json: ${name} is set everywhere`),
    ...unknown.map((name) => `deploy/settings-by-default.json: ${name} is not a setting`),
  ];
}
