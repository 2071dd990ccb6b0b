import { within } from "@fieldlog/upgrade";
import { connectAsync, type MqttClient } from "mqtt";
import type { Steps } from "../steps.js";
import { type Cluster, Forwarding } from "./cluster.js";

/** What the API server serves where there are a metrics server and an adapter (README of deploy/k8s). */
const METRICS = ["apiservice/v1beta1.metrics.k8s.io", "apiservice/v1beta1.custom.metrics.k8s.io"];
/** Connections, and how many of them are to go on one replica for as long as it is tried. */
const CONNECTIONS = 6;
const EACH = 2;

interface Autoscaler {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly metrics: readonly unknown[] };
  readonly status?: {
    readonly currentMetrics?: readonly { readonly type: string }[];
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message: string;
    }[];
  };
}

/**
 * Whether every autoscaler can read what it goes by, and the door for MQTT gets another replica for its connections.
 * Of a cluster that serves no metrics, and an overlay without autoscalers, nothing.
 */
export async function tryAutoscaling(cluster: Cluster, key: string, steps: Steps): Promise<void> {
  const list = () => cluster.list<Autoscaler>("horizontalpodautoscaler");
  if ((await list()).length === 0) return;
  for (const api of METRICS) {
    if (await cluster.has(api)) continue;
    process.stderr.write(`- autoscaling is not tried: the cluster has no ${api}\n`);
    return;
  }
  await steps.step("all autoscalers read what they go by", async () => {
    let blind: string[] = [];
    await within(async () => {
      blind = (await list()).flatMap((one) => whyBlind(one) ?? []);
      return blind.length === 0;
    });
    steps.problems.push(...blind);
  });
  await steps.step("edge-mqtt gets another replica for its connections", () => scaleUp(cluster, key, steps));
}

/** undefined: it sees all. */
function whyBlind({ metadata: { name }, spec, status }: Autoscaler): string | undefined {
  const active = status?.conditions?.find(({ type }) => type === "ScalingActive");
  if (active?.status !== "True") return `${name} does not scale: ${active?.message ?? "it says nothing"}`;
  // One that cannot be read has an empty name here.
  const read = status?.currentMetrics?.filter(({ type }) => type !== "") ?? [];
  if (read.length === spec.metrics.length) return undefined;
  return `${name} reads ${read.length} of ${spec.metrics.length} metrics`;
}

/** With a target that so few connections reach; the former one is set again at the end. */
async function scaleUp(cluster: Cluster, key: string, steps: Steps): Promise<void> {
  const scaler = "horizontalpodautoscaler/edge-mqtt";
  const path = "/spec/metrics/0/pods/target/averageValue";
  const target = (value: string) =>
    cluster.kubectl(
      ...["patch", scaler, "--type=json"],
      `--patch=${JSON.stringify([{ op: "replace", path, value }])}`,
    );
  const before = await cluster.kubectl(
    "get",
    scaler,
    "--output=jsonpath={.spec.metrics[0].pods.target.averageValue}",
  );
  const ready = async () =>
    Number(await cluster.kubectl("get", "deployment/edge-mqtt", "--output=jsonpath={.status.readyReplicas}"));
  const replicas = await ready();
  const doors = new Set<{ name: string; url: string }>();
  const forwarding = new Forwarding(cluster, { service: "edge-mqtt", port: "mqtt" }, doors);
  const clients: MqttClient[] = [];
  try {
    await within(async () => doors.size > 0);
    const [door] = doors;
    const url = `mqtt://${new URL(door?.url ?? "").host}`;
    for (let n = 0; n < CONNECTIONS; n++) {
      clients.push(await connectAsync(url, { username: "default", password: key, reconnectPeriod: 0 }));
    }
    await target(String(EACH));
    const grown = await within(async () => (await ready()) > replicas);
    steps.must(
      grown,
      `edge-mqtt stays at ${replicas} replicas with ${CONNECTIONS} connections of ${EACH} each`,
    );
  } finally {
    await target(before);
    await Promise.all(clients.map((client) => client.endAsync(true)));
    await forwarding.close();
  }
}
