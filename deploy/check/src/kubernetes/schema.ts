import { validate as deployment } from "kubernetes-models/_schemas/IoK8sApiAppsV1Deployment";
import { validate as statefulSet } from "kubernetes-models/_schemas/IoK8sApiAppsV1StatefulSet";
import { validate as autoscaler } from "kubernetes-models/_schemas/IoK8sApiAutoscalingV2HorizontalPodAutoscaler";
import { validate as configMap } from "kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap";
import { validate as namespace } from "kubernetes-models/_schemas/IoK8sApiCoreV1Namespace";
import { validate as service } from "kubernetes-models/_schemas/IoK8sApiCoreV1Service";
import { validate as ingress } from "kubernetes-models/_schemas/IoK8sApiNetworkingV1Ingress";
import { validate as networkPolicy } from "kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy";
import { validate as disruptionBudget } from "kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget";
import type { Manifest } from "../documents.js";
import { cluster } from "./cluster-schema.js";
import { podMonitor, rules } from "./monitoring-schema.js";

/** As Ajv compiles it: the errors of the last call are its own. */
interface Validate {
  (data: unknown): boolean;
  errors?: readonly { instancePath: string; message?: string; keyword: string; params: object }[] | null;
}

const schemas: Record<string, Validate> = {
  "apps/v1 Deployment": deployment,
  "apps/v1 StatefulSet": statefulSet,
  "autoscaling/v2 HorizontalPodAutoscaler": autoscaler,
  "v1 ConfigMap": configMap,
  "v1 Namespace": namespace,
  "v1 Service": service,
  "networking.k8s.io/v1 Ingress": ingress,
  "networking.k8s.io/v1 NetworkPolicy": networkPolicy,
  "policy/v1 PodDisruptionBudget": disruptionBudget,
  "postgresql.cnpg.io/v1 Cluster": cluster,
  "monitoring.coreos.com/v1 PodMonitor": podMonitor,
  "monitoring.coreos.com/v1 PrometheusRule": rules,
};

/** Our own, which allow nothing that they do not name. */
const closed = new Set<Validate>([cluster, podMonitor, rules]);

/** What is wrong with an object by the schema of its kind; a field that the schema does not know, too. */
export function schemaProblems(object: Manifest): string[] {
  const name = `${object.apiVersion} ${object.kind}`;
  const validate = schemas[name];
  if (validate === undefined)
    return [`there is no schema for ${name} (deploy/check/src/kubernetes/schema.ts)`];
  const read = new Map<string, Set<string>>();
  const isRight = validate(watched(object, "", read));
  const wrong = isRight ? [] : (validate.errors ?? []);
  return [
    ...wrong.map(
      (error) =>
        `${error.instancePath || "/"} ${error.message ?? `${error.keyword}: ${Object.values(error.params).join(", ")}`}`,
    ),
    ...(closed.has(validate) ? [] : unread(object, "", read).map((path) => `${path} is no field`)),
  ];
}

/**
 * The published schemas allow fields that they do not name, which is how a misspelt one goes unnoticed. What a compiled
 * schema does not name it does not read: so the object tells what of it was read.
 */
function watched<T>(value: T, path: string, read: Map<string, Set<string>>): T {
  if (typeof value !== "object" || value === null) return value;
  const keys = new Set<string>();
  read.set(path, keys);
  return new Proxy(value, {
    get(target, key) {
      const inside: unknown = Reflect.get(target, key);
      if (typeof key !== "string") return inside;
      keys.add(key);
      const place = `${path}/${key}`;
      return read.has(place) && typeof inside !== "object" ? inside : watchedOnce(inside, place, read);
    },
  });
}

function watchedOnce(value: unknown, path: string, read: Map<string, Set<string>>): unknown {
  const before = read.get(path);
  const proxy = watched(value, path, read);
  // Read twice: what either saw counts.
  if (before) for (const key of before) read.get(path)?.add(key);
  return proxy;
}

function unread(value: unknown, path: string, read: Map<string, Set<string>>): string[] {
  if (typeof value !== "object" || value === null) return [];
  const keys = read.get(path) ?? new Set();
  return Object.entries(value).flatMap(([key, inside]) =>
    keys.has(key) ? unread(inside, `${path}/${key}`, read) : [`${path}/${key}`],
  );
}
