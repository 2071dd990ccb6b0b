import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IStatefulSet } from "kubernetes-models/apps/v1/StatefulSet";
import type { IHorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler";
import type { IIngress } from "kubernetes-models/networking.k8s.io/v1/Ingress";
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import type { IService } from "kubernetes-models/v1/Service";
import type { Code } from "../code.js";
import { type Objects, ofKind } from "./workloads.js";

const NAME = "app.kubernetes.io/name";

/** By `<secret>/<key>`, what deploy/secrets.mjs makes. */
export type MadeSecrets = ReadonlySet<string>;

/** Secrets that others make. */
const OTHERS = ["fieldlog-s3", "fieldlog-mqtt-tls"];

/** What one object says of another: it is there, and has what is named. */
export function checkReferences(objects: Objects, code: Code, made: MadeSecrets): string[] {
  const workloads = [
    ...ofKind<IDeployment>(objects, "Deployment"),
    ...ofKind<IStatefulSet>(objects, "StatefulSet"),
  ];
  const named = new Map(
    workloads.map((workload) => [workload.spec?.template.metadata?.labels?.[NAME], workload]),
  );
  const portsOf = (name: string | undefined) =>
    (named.get(name)?.spec?.template.spec?.containers ?? [])
      .flatMap(({ ports }) => ports ?? [])
      .map(({ name }) => name);
  const problems: string[] = [];
  for (const { metadata, spec } of ofKind<IService>(objects, "Service")) {
    for (const { targetPort } of spec?.ports ?? []) {
      if (portsOf(spec?.selector?.[NAME]).includes(String(targetPort))) continue;
      problems.push(`Service ${metadata?.name}: nobody has a port ${targetPort}`);
    }
  }
  const services = new Map(ofKind<IService>(objects, "Service").map((one) => [one.metadata?.name, one]));
  for (const { metadata, spec } of ofKind<IIngress>(objects, "Ingress")) {
    for (const { backend } of (spec?.rules ?? []).flatMap(({ http }) => http?.paths ?? [])) {
      const ports = services.get(backend.service?.name)?.spec?.ports ?? [];
      if (ports.some(({ name }) => name === backend.service?.port?.name)) continue;
      problems.push(
        `Ingress ${metadata?.name}: there is no port ${backend.service?.port?.name} of ${backend.service?.name}`,
      );
    }
  }
  for (const { metadata, spec } of ofKind<IPodDisruptionBudget>(objects, "PodDisruptionBudget")) {
    if (!named.has(spec?.selector?.matchLabels?.[NAME]))
      problems.push(`PodDisruptionBudget ${metadata?.name} is for nobody`);
  }
  for (const { metadata, spec } of ofKind<IHorizontalPodAutoscaler>(objects, "HorizontalPodAutoscaler")) {
    if (!named.has(spec?.scaleTargetRef.name))
      problems.push(`HorizontalPodAutoscaler ${metadata?.name} is for nobody`);
    const metrics = (spec?.metrics ?? []).flatMap(({ pods }) => pods?.metric.name ?? []);
    const unknown = metrics.filter((metric) => !code.metrics.has(metric));
    problems.push(
      ...unknown.map(
        (metric) => `HorizontalPodAutoscaler ${metadata?.name}: no service has a metric ${metric}`,
      ),
    );
  }
  for (const { metadata, spec } of workloads) {
    for (const { env } of spec?.template.spec?.containers ?? []) {
      for (const { valueFrom } of env ?? []) {
        const { name = "", key } = valueFrom?.secretKeyRef ?? {};
        if (key === undefined || OTHERS.includes(name) || made.has(`${name}/${key}`)) continue;
        problems.push(`${metadata?.name}: deploy/secrets.mjs makes no ${key} of ${name}`);
      }
    }
  }
  return problems;
}

/** Who may call whom, as the policies say, against who calls whom in the code. */
export function checkCalls(objects: Objects, { services, calls }: Code): string[] {
  const allowed = new Set<string>();
  for (const { spec } of ofKind<INetworkPolicy>(objects, "NetworkPolicy")) {
    const callee = spec?.podSelector?.matchLabels?.[NAME];
    for (const { from, ports } of spec?.ingress ?? []) {
      if (!ports?.some(({ port }) => port === "grpc")) continue;
      const callers = (from ?? []).flatMap(
        ({ podSelector }) => podSelector?.matchExpressions?.[0]?.values ?? ["everybody"],
      );
      for (const caller of callers) allowed.add(`${caller} → ${callee}`);
    }
  }
  const called = new Set(
    services.flatMap((caller) => (calls[caller] ?? []).map((callee) => `${caller} → ${callee}`)),
  );
  return [
    ...[...called]
      .filter((arrow) => !allowed.has(arrow))
      .map((arrow) => `no NetworkPolicy allows ${arrow}, which the code calls`),
    ...[...allowed]
      .filter((arrow) => !called.has(arrow))
      .map((arrow) => `a NetworkPolicy allows ${arrow}, which the code never calls`),
  ];
}

/** NATS keeps as many copies as it is asked for, flushes before it acknowledges, and as a cluster is a version that may be one. */
export function checkNats(objects: Objects): string[] {
  const nats = ofKind<IStatefulSet>(objects, "StatefulSet").find(({ metadata }) => metadata?.name === "nats");
  if (nats === undefined) return ["there is no StatefulSet nats"];
  const maps = ofKind<{ data?: Record<string, string> }>(objects, "ConfigMap").map(({ data }) => data ?? {});
  const servers = nats.spec?.replicas ?? 1;
  const copies = Number(maps.find((data) => data["FIELDLOG_REPLICAS"])?.["FIELDLOG_REPLICAS"] ?? 1);
  const config = maps.find((data) => data["nats.conf"])?.["nats.conf"] ?? "";
  const [, minor] = /:2\.(\d+)/.exec(nats.spec?.template.spec?.containers[0]?.image ?? "") ?? [];
  return [
    ...(copies > servers ? [`FIELDLOG_REPLICAS is ${copies}, and there are ${servers} NATS servers`] : []),
    ...(/^\s*sync_interval: always$/m.test(config)
      ? []
      : ["nats.conf: NATS does not flush before it acknowledges"]),
    ...(servers > 1 && Number(minor) < 12
      ? ["a cluster of NATS 2.10 or 2.11 may lose what it acknowledged"]
      : []),
    ...(servers > 1 && !/^cluster \{/m.test(config)
      ? ["nats.conf: its servers do not know that they are a cluster"]
      : []),
  ];
}
