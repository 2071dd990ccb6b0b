import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the manifests are held against: read from the sources, so that nobody has to keep two lists. */
export interface Code {
  /** Services that run as processes of their own. */
  readonly services: readonly string[];
  /** By service, those that it calls. */
  readonly calls: Readonly<Record<string, readonly string[]>>;
  readonly metrics: ReadonlySet<string>;
}

/** `root`: of the repository. */
export function readCode(root: string): Code {
  const services = readdirSync(join(root, "services")).filter((name) => {
    const main = join(root, "services", name, "src", "main.ts");
    return existsSync(main) && readFileSync(main, "utf8").includes("runService(");
  });
  const door = dialled(sources(root, "libs/admission"));
  const calls: Record<string, string[]> = {};
  const metrics = new Set<string>();
  for (const service of services) {
    const texts = sources(root, `services/${service}`);
    const isDoor = texts.some((text) => text.includes("connectEdge("));
    const called = new Set([...dialled(texts), ...(isDoor ? door : [])]);
    calls[service] = [...called].filter((name) => name !== service).sort();
  }
  for (const text of [...sources(root, "services/*"), ...sources(root, "libs/*")]) {
    for (const [, name] of text.matchAll(/name: "(fieldlog_\w+)"/g)) metrics.add(name ?? "");
  }
  return { services, calls, metrics };
}

function sources(root: string, folder: string): string[] {
  const files = globSync(`${folder}/src/**/*.ts`, { cwd: root });
  const ours = files.filter((file) => !/\.(spec|fixture)\.ts$/.test(file));
  return ours.map((file) => readFileSync(join(root, file), "utf8"));
}

/** The settings `<service>Grpc` that are read, by the name of the service. */
function dialled(texts: readonly string[]): string[] {
  return texts.flatMap((text) => [...text.matchAll(/settings\.(\w+)Grpc\b/g)].map(([, name]) => name ?? ""));
}
