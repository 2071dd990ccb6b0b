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
  const named: Named = new Map(
    workloads.map(({ spec }) => [
      spec?.template.metadata?.labels?.[NAME],
      (spec?.template.spec?.containers ?? []).flatMap(({ ports }) => ports?.map((port) => port.name) ?? []),
    ]),
  );
  return [
    ...servicePorts(objects, named),
    ...ingressPorts(objects),
    ...addresses(objects),
    ...budgets(objects, named),
    ...autoscalers(objects, named, code),
    ...secrets(workloads, made),
  ];
}

/** The names of pods, and of their ports. */
type Named = ReadonlyMap<string | undefined, readonly (string | undefined)[]>;

function servicePorts(objects: Objects, named: Named): string[] {
  return ofKind<IService>(objects, "Service").flatMap(({ metadata, spec }) => {
    const ports = named.get(spec?.selector?.[NAME]) ?? [];
    const lost = (spec?.ports ?? []).filter(({ targetPort }) => !ports.includes(String(targetPort)));
    return lost.map(({ targetPort }) => `Service ${metadata?.name}: nobody has a port ${targetPort}`);
  });
}

const portsOfService = (objects: Objects, name: string | undefined) =>
  ofKind<IService>(objects, "Service").find(({ metadata }) => metadata?.name === name)?.spec?.ports ?? [];

function ingressPorts(objects: Objects): string[] {
  const ingresses = ofKind<IIngress>(objects, "Ingress");
  const paths = ingresses.flatMap(({ spec }) => spec?.rules?.flatMap(({ http }) => http?.paths ?? []) ?? []);
  return paths.flatMap(({ backend: { service } }) => {
    const isThere = portsOfService(objects, service?.name).some(({ name }) => name === service?.port?.name);
    return isThere ? [] : [`Ingress: there is no port ${service?.port?.name} of ${service?.name}`];
  });
}

/** Where settings say that others are. */
function addresses(objects: Objects): string[] {
  const maps = ofKind<{ data?: Record<string, string> }>(objects, "ConfigMap");
  const told = maps.flatMap(({ data = {} }) =>
    Object.entries(data).filter(([name]) => /_GRPC$|_MONITOR_URL$/.test(name)),
  );
  return told.flatMap(([setting, value]) => {
    const { hostname, port } = new URL(value.includes("://") ? value : `http://${value}`);
    const isThere = portsOfService(objects, hostname).some((one) => one.port === Number(port));
    return isThere ? [] : [`${setting} is ${value}, and there is no such Service`];
  });
}

function budgets(objects: Objects, named: Named): string[] {
  return ofKind<IPodDisruptionBudget>(objects, "PodDisruptionBudget")
    .filter(({ spec }) => !named.has(spec?.selector?.matchLabels?.[NAME]))
    .map(({ metadata }) => `PodDisruptionBudget ${metadata?.name} is for nobody`);
}

function autoscalers(objects: Objects, named: Named, { metrics }: Code): string[] {
  return ofKind<IHorizontalPodAutoscaler>(objects, "HorizontalPodAutoscaler").flatMap(
    ({ metadata, spec }) => {
      const asked = (spec?.metrics ?? []).flatMap(({ pods }) => pods?.metric.name ?? []);
      const unknown = asked.filter((metric) => !metrics.has(metric));
      return [
        ...(named.has(spec?.scaleTargetRef.name)
          ? []
          : [`HorizontalPodAutoscaler ${metadata?.name} is for nobody`]),
        ...unknown.map(
          (metric) => `HorizontalPodAutoscaler ${metadata?.name}: no service has a metric ${metric}`,
        ),
      ];
    },
  );
}

function secrets(workloads: readonly (IDeployment | IStatefulSet)[], made: MadeSecrets): string[] {
  return workloads.flatMap(({ metadata, spec }) => {
    const variables = spec?.template.spec?.containers.flatMap(({ env }) => env ?? []) ?? [];
    const references = variables.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []);
    return references
      .filter(({ name = "", key }) => !OTHERS.includes(name) && !made.has(`${name}/${key}`))
      .map(({ name, key }) => `${metadata?.name}: deploy/secrets.mjs makes no ${key} of ${name}`);
  });
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

/**
 * NATS keeps as many copies as it is asked for, flushes before it acknowledges, knows how large its disk is, and as a
 * cluster is a version that may be one.
 */
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
    ...storeProblems(nats, config),
    ...(servers > 1 && Number(minor) < 12
      ? ["a cluster of NATS 2.10 or 2.11 may lose what it acknowledged"]
      : []),
    ...(servers > 1 && !/^cluster \{/m.test(config)
      ? ["nats.conf: its servers do not know that they are a cluster"]
      : []),
  ];
}

/** Share of a volume that streams may take up: what NATS writes beside them needs room as well. */
const STORE_SHARE = 0.9;

function storeProblems({ spec }: IStatefulSet, config: string): string[] {
  const claim = spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.["storage"];
  const [, store] = /^\s*max_file_store: (\S+)$/m.exec(config) ?? [];
  if (store === undefined) return ["nats.conf: no max_file_store, and NATS leaves out what it holds itself"];
  return bytesOf(store) <= STORE_SHARE * bytesOf(String(claim))
    ? []
    : [`nats.conf: max_file_store ${store} is not below the volume's ${claim}`];
}

/** Of 20Gi, as Kubernetes writes it, and 16GiB, as NATS does; NaN for another text. */
function bytesOf(size: string): number {
  const [, number, power = ""] = /^(\d+)([KMGT])iB?$/.exec(size) ?? [];
  return Number(number) * 1024 ** (" KMGT".indexOf(power) || Number.NaN);
}
