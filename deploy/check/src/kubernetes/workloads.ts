import { opsPaths, readSettings, STOP_MS } from "@fieldlog/runtime";
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IStatefulSet } from "kubernetes-models/apps/v1/StatefulSet";
import type { Code } from "../code.js";
import type { Manifest } from "../documents.js";
import { type Environment, environmentProblems } from "../environment.js";
import { portsOf } from "../ports.js";

/** Objects that passed their schemas. */
export type Objects = readonly Manifest[];

type Pod = NonNullable<NonNullable<IDeployment["spec"]>["template"]["spec"]>;
type Container = Pod["containers"][number];

/** The probes, and the paths that belong to each. */
const PROBES = { startupProbe: "/healthz", livenessProbe: "/healthz", readinessProbe: "/readyz" } as const;

export const ofKind = <T>(objects: Objects, kind: string): T[] =>
  objects.filter((object) => object.kind === kind) as unknown as T[];

/** Deployments against what the services are: every service is there, and would start, be asked and be stopped well. */
export function checkDeployments(objects: Objects, code: Code, image: Environment) {
  const problems: string[] = [];
  const set = new Set<string>(Object.keys(image));
  const deployments = ofKind<IDeployment>(objects, "Deployment");
  for (const deployment of deployments) {
    const name = deployment.metadata?.name ?? "";
    const pod = deployment.spec?.template.spec;
    const container = pod?.containers[0];
    if (!code.services.includes(name) || pod === undefined || container === undefined) {
      problems.push(`Deployment ${name}: there is no such service`);
      continue;
    }
    const environment = environmentOf(container, objects, image);
    for (const key of Object.keys(environment)) set.add(key);
    const wrong = [
      ...environmentProblems(environment),
      ...imageProblems(name, container),
      ...probeProblems(container),
      ...stopProblems(pod, container),
      ...portProblems(name, container, environment),
    ];
    problems.push(...wrong.map((problem) => `Deployment ${name}: ${problem}`));
  }
  const missing = code.services.filter(
    (name) => !deployments.some(({ metadata }) => metadata?.name === name),
  );
  return { problems: [...problems, ...missing.map((name) => `there is no Deployment ${name}`)], set };
}

/** What the container finds: of its image, of ConfigMaps, of its own. */
function environmentOf(container: Container, objects: Objects, image: Environment): Environment {
  const maps = (container.envFrom ?? []).map(({ configMapRef }) => configMapRef?.name);
  const shared = ofKind<Manifest & { data?: Record<string, string> }>(objects, "ConfigMap")
    .filter(({ metadata }) => maps.includes(metadata.name))
    .map(({ data }) => data ?? {});
  const own = (container.env ?? []).map(({ name, value }) => [name, value] as const);
  return Object.assign({}, image, ...shared, Object.fromEntries(own));
}

function imageProblems(name: string, { image }: Container): string[] {
  const plain = (image ?? "").replace(/[:@].*$/, "");
  return plain.endsWith(`fieldlog/${name}`) ? [] : [`its image is ${image}`];
}

function probeProblems(container: Container): string[] {
  return Object.entries(PROBES).flatMap(([probe, path]) => {
    const get = container[probe as keyof typeof PROBES]?.httpGet;
    if (get === undefined) return [`it has no ${probe}`];
    const wrong = get.path !== path || !opsPaths.some((known) => known === path);
    return [
      ...(wrong ? [`${probe} asks ${get.path}, not ${path}`] : []),
      ...(get.port === "ops" ? [] : [`${probe} asks port ${get.port}, not ops`]),
    ];
  });
}

function stopProblems(pod: Pod, container: Container): string[] {
  const before = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
  const needed = Number(before) + STOP_MS / 1000;
  const given = pod.terminationGracePeriodSeconds ?? 30;
  return given > needed ? [] : [`it is killed after ${given} s, and may take ${needed} s to stop`];
}

function portProblems(name: string, container: Container, environment: Environment): string[] {
  const plain = Object.entries(environment).filter(([, value]) => value !== undefined);
  const known = plain.filter(([key]) => /_(PORT|GRPC)$/.test(key));
  const open = portsOf(name, readSettings(Object.fromEntries(known)));
  const told = new Map((container.ports ?? []).map((port) => [port.name ?? "", port.containerPort]));
  const optional = ["https", "mqtts", "mqtt-wss", "wss"];
  return [
    ...[...told]
      .filter(([port, number]) => open[port] !== number)
      .map(([port, number]) => `port ${port} is ${open[port] ?? "none of its own"}, not ${number}`),
    ...Object.keys(open)
      .filter((port) => !told.has(port) && !optional.includes(port))
      .map((port) => `port ${port} is not named`),
  ];
}

/** What the Pod Security Standard "restricted" asks for, and a root file system that nobody writes to. */
export function checkSecurity(objects: Objects): string[] {
  const workloads = [
    ...ofKind<IDeployment>(objects, "Deployment"),
    ...ofKind<IStatefulSet>(objects, "StatefulSet"),
  ];
  return workloads.flatMap(({ kind, metadata, spec }) => {
    const pod = spec?.template.spec;
    const containers = pod?.containers ?? [];
    const holds: [boolean, string][] = [
      [pod?.securityContext?.runAsNonRoot === true, "may run as root"],
      [pod?.securityContext?.seccompProfile?.type === "RuntimeDefault", "has no seccomp profile"],
      [pod?.automountServiceAccountToken === false, "is given a token of the cluster's API"],
      ...containers.flatMap(({ securityContext, resources }): [boolean, string][] => [
        [securityContext?.allowPrivilegeEscalation === false, "may gain privileges"],
        [securityContext?.readOnlyRootFilesystem === true, "may write to its root file system"],
        [securityContext?.capabilities?.drop?.includes("ALL") === true, "keeps capabilities"],
        [resources?.limits?.["memory"] !== undefined, "has no limit of memory"],
      ]),
    ];
    return holds.filter(([right]) => !right).map(([, problem]) => `${kind} ${metadata?.name}: ${problem}`);
  });
}
