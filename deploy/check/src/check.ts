import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { observabilityProblems } from "@fieldlog/observability";
import { readCode } from "./code.js";
import { checkCompose } from "./compose.js";
import { readDockerfile } from "./dockerfile.js";
import { type Manifest, parseDocuments, readDocuments, readEnvFile } from "./documents.js";
import { settingsLeft } from "./environment.js";
import { checkCalls, checkNats, checkReferences } from "./kubernetes/references.js";
import { schemaProblems } from "./kubernetes/schema.js";
import { checkDeployments, checkSecurity } from "./kubernetes/workloads.js";
import { differences, renderByKubectl } from "./kustomize/kubectl.js";
import { render } from "./kustomize/render.js";
import { hasCurrentSettings } from "./settings-doc.js";

const OVERLAYS = ["small", "production", "production-s3"];

/** Everything that is wrong with what deploys the repository at `root`; nothing is wrong with none. */
export function check(root: string): string[] {
  const at = (...parts: string[]) => join(root, ...parts);
  const text = (...parts: string[]) => readFileSync(at(...parts), "utf8");
  const code = readCode(root);
  const { packageManager } = JSON.parse(text("package.json")) as { packageManager: string };
  const image = readDockerfile(text("deploy/docker/Dockerfile"), packageManager);
  const [file = {}] = readDocuments(at("docker-compose.yml"));
  const compose = checkCompose(file, text("docker-compose.yml"), {
    ...{ code, image: image.environment, variables: readEnvFile(at(".env.example")) },
    scraped: scrapedBy(text("deploy/compose/prometheus.yml")),
  });
  const made = madeSecrets(at("deploy/secrets.mjs"));
  const set: Record<string, ReadonlySet<string>> = { "docker-compose.yml": compose.set };
  const told = hasCurrentSettings(text("deploy/README.md"));
  const problems = [
    ...(told
      ? []
      : ["deploy/README.md: its settings are not those of the code; npm run deploy:check -- --write"]),
    ...image.problems.map((problem) => `Dockerfile: ${problem}`),
    ...compose.problems.map((problem) => `docker-compose.yml: ${problem}`),
  ];
  for (const overlay of OVERLAYS) {
    const dir = at("deploy/k8s/overlays", overlay);
    const objects = render(dir);
    const deployments = checkDeployments(objects, code, image.environment);
    set[overlay] = deployments.set;
    const found = [
      ...objects.flatMap((object) =>
        schemaProblems(object).map((problem) => `${object.kind} ${object.metadata.name}: ${problem}`),
      ),
      ...differences(objects, renderByKubectl(dir) ?? objects).map(
        (name) => `kubectl renders ${name} otherwise than deploy/check/src/kustomize`,
      ),
      ...deployments.problems,
      ...checkSecurity(objects),
      ...checkReferences(objects, code, made),
      ...checkCalls(objects, code),
      ...checkNats(objects),
    ];
    problems.push(...found.map((problem) => `${overlay}: ${problem}`));
  }
  problems.push(...observabilityProblems(root));
  for (const object of render(at("deploy/observability"))) {
    const wrong = schemaProblems(object);
    problems.push(
      ...wrong.map((problem) => `observability: ${object.kind} ${object.metadata.name}: ${problem}`),
    );
  }
  const adapter = text("deploy/k8s/overlays/production/prometheus-adapter.values.yaml");
  const scaledBy = [...text("deploy/k8s/overlays/production/autoscaling.yaml").matchAll(/fieldlog_\w+/g)];
  const unserved = scaledBy.map(([metric]) => metric).filter((metric) => !adapter.includes(metric));
  problems.push(...unserved.map((metric) => `prometheus-adapter.values.yaml does not serve ${metric}`));
  const byDefault = JSON.parse(text("deploy/settings-by-default.json")) as Record<string, string>;
  return [...problems, ...settingsLeft(set, byDefault)];
}

function scrapedBy(prometheus: string): { names: string[]; port: number } {
  const [file] = parseDocuments(prometheus, "prometheus.yml");
  const { scrape_configs: configs } = file as unknown as {
    scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[];
  };
  const [asked] = configs.flatMap(({ dns_sd_configs: dns }) => dns);
  return { names: asked?.names ?? [], port: asked?.port ?? 0 };
}

/** The Secrets that the command makes, by name and key. */
function madeSecrets(command: string): Set<string> {
  const printed = execFileSync(process.execPath, [command, "--kubernetes", "--postgres"], {
    encoding: "utf8",
  });
  const secrets = parseDocuments(printed, command) as (Manifest & { stringData?: object })[];
  return new Set(
    secrets.flatMap(({ metadata, stringData = {} }) =>
      Object.keys(stringData).map((key) => `${metadata.name}/${key}`),
    ),
  );
}
