import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Manifest, parseDocuments, type Tree } from "../documents.js";
import { containerOf, inside, objectOf, ourCode, ourObjects, podOf, root } from "../repository.fixture.js";
import { checkCalls, checkNats, checkReferences } from "./references.js";
import { schemaProblems } from "./schema.js";
import { checkDeployments, checkSecurity } from "./workloads.js";

const IMAGE = { FIELDLOG_BIND: "0.0.0.0", FIELDLOG_OPS_PORT: "9200" };
const auth = (objects: readonly Manifest[]) => objectOf(objects, "Deployment", "auth");

function deploymentsWith(change: (objects: Manifest[]) => void): string[] {
  const objects = ourObjects();
  change(objects);
  return checkDeployments(objects, ourCode(), IMAGE).problems;
}

describe("the schema of a kind", () => {
  it("finds nothing wrong with ours", () => {
    expect(ourObjects().flatMap(schemaProblems)).toEqual([]);
  });

  it("finds a value of the wrong type, and what is missing", () => {
    const deployment = auth(ourObjects());
    inside(deployment, "spec")["replicas"] = "two";
    delete inside(deployment, "spec")["selector"];
    const problems = schemaProblems(deployment).join("\n");
    expect(problems).toContain("/spec/replicas type: integer");
    expect(problems).toContain("/spec required: selector");
  });

  it("finds a field that there is not, however deep, which the published schemas let pass", () => {
    const deployment = auth(ourObjects());
    containerOf(deployment)["readinesProbe"] = {};
    inside(containerOf(deployment), "livenessProbe.httpGet")["url"] = "/healthz";
    const place = "/spec/template/spec/containers/0";
    expect(schemaProblems(deployment).sort()).toEqual([
      `${place}/livenessProbe/httpGet/url is no field`,
      `${place}/readinesProbe is no field`,
    ]);
  });

  it("says so where it has no schema", () => {
    const object = { apiVersion: "batch/v2", kind: "Job", metadata: { name: "one" } };
    expect(schemaProblems(object)[0]).toContain("there is no schema for batch/v2 Job");
  });
});

describe("Deployments", () => {
  it("are those of our services, and would start", () => {
    expect(deploymentsWith(() => undefined)).toEqual([]);
  });

  it.each<[string, (container: Tree) => void, string]>([
    [
      "a setting that is none",
      (one) => env(one).push({ name: "FIELDLOG_MQTT_PROT", value: "1" }),
      "did you mean FIELDLOG_MQTT_PORT",
    ],
    [
      "a value that is none",
      (one) => env(one).push({ name: "FIELDLOG_LOG_LEVEL", value: "loud" }),
      "FIELDLOG_LOG_LEVEL must be one of",
    ],
    [
      "settings that contradict",
      (one) => env(one).push({ name: "FIELDLOG_TLS_CERT", value: "/a" }),
      "FIELDLOG_TLS_KEY go together",
    ],
    [
      "another port",
      (one) => env(one).push({ name: "FIELDLOG_AUTH_GRPC", value: "auth:9999" }),
      "port grpc is 9999, not 9101",
    ],
    [
      "another image",
      (one) => Object.assign(one, { image: "fieldlog/devices:1" }),
      "its image is fieldlog/devices:1",
    ],
    ["no probe", (one) => delete one["readinessProbe"], "it has no readinessProbe"],
    [
      "another path",
      (one) => Object.assign(inside(one, "livenessProbe.httpGet"), { path: "/health" }),
      "livenessProbe asks /health, not /healthz",
    ],
    [
      "too little time to stop",
      (one) => Object.assign(inside(one, "lifecycle.preStop.sleep"), { seconds: 20 }),
      "killed after 40 s, and may take 50 s",
    ],
  ])("with %s are found", (_, change, problem) => {
    const problems = deploymentsWith((objects) => change(containerOf(auth(objects))));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it("that are missing, or of no service, are found", () => {
    const problems = deploymentsWith((objects) => {
      auth(objects).metadata.name = "author";
    });
    expect(problems).toEqual(["Deployment author: there is no such service", "there is no Deployment auth"]);
  });

  it("that may do more than they need are found", () => {
    const objects = ourObjects();
    expect(checkSecurity(objects)).toEqual([]);
    inside(containerOf(auth(objects)), "securityContext")["readOnlyRootFilesystem"] = false;
    inside(podOf(auth(objects)), "securityContext")["runAsNonRoot"] = false;
    expect(checkSecurity(objects)).toEqual([
      "Deployment auth: may run as root",
      "Deployment auth: may write to its root file system",
    ]);
  });
});

describe("what one object says of another", () => {
  const made = new Set(
    [
      ...["FIELDLOG_INTERNAL_TOKEN", "FIELDLOG_INSTALLATION_KEY", "FIELDLOG_ADMIN_KEY"].map(
        (key) => `installation/${key}`,
      ),
      ...["NATS_PASSWORD", "ROUTE_PASSWORD", "FIELDLOG_NATS_URL"].map((key) => `nats/${key}`),
      "postgres-app/uri",
    ].map((name) => `fieldlog-${name}`),
  );

  it("holds for ours", () => {
    expect(checkReferences(ourObjects(), ourCode(), made)).toEqual([]);
  });

  it("is found where it does not: a port, an address, a metric, a secret", () => {
    const objects = ourObjects();
    inside(objectOf(objects, "ConfigMap", "fieldlog-settings"), "data")["FIELDLOG_AUTH_GRPC"] = "author:9101";
    inside(objectOf(objects, "Service", "auth"), "spec.ports.0")["targetPort"] = "http";
    inside(objectOf(objects, "HorizontalPodAutoscaler", "edge-mqtt"), "spec.metrics.0.pods.metric")["name"] =
      "fieldlog_mqtt_clients";
    const [first] = env(containerOf(auth(objects)));
    inside(first, "valueFrom.secretKeyRef")["key"] = "url";
    expect(checkReferences(objects, ourCode(), made)).toEqual([
      "Service auth: nobody has a port http",
      "FIELDLOG_AUTH_GRPC is author:9101, and there is no such Service",
      "HorizontalPodAutoscaler edge-mqtt: no service has a metric fieldlog_mqtt_clients",
      "auth: deploy/secrets.mjs makes no url of fieldlog-postgres-app",
    ]);
  });
});

describe("network policies", () => {
  it("allow the calls that the code makes, and no others", () => {
    expect(checkCalls(ourObjects(), ourCode())).toEqual([]);
  });

  it("that allow too much or too little are found", () => {
    const policies = ourObjects();
    const callers = inside(
      objectOf(policies, "NetworkPolicy", "calls-to-auth"),
      "spec.ingress.0.from.0.podSelector.matchExpressions.0",
    );
    callers["values"] = (callers["values"] as unknown as string[]).map((name) =>
      name === "offers" ? "liveness" : name,
    ) as never;
    expect(checkCalls(policies, ourCode())).toEqual([
      "no NetworkPolicy allows offers → auth, which the code calls",
      "a NetworkPolicy allows liveness → auth, which the code never calls",
    ]);
  });
});

describe("NATS", () => {
  it("has as many servers as copies, flushes, and is no version that a cluster may not be", () => {
    expect(checkNats(ourObjects())).toEqual([]);
    const objects = ourObjects();
    const nats = objectOf(objects, "StatefulSet", "nats");
    inside(nats, "spec")["replicas"] = 2 as never;
    containerOf(nats)["image"] = "nats:2.10-alpine" as never;
    const config = inside(objectOf(objects, "ConfigMap", "nats-config"), "data");
    config["nats.conf"] = String(config["nats.conf"]).replace(
      "sync_interval: always",
      "sync_interval: 2m",
    ) as never;
    expect(checkNats(objects)).toHaveLength(3);
  });

  it("has started when its copies are current, so that a rollout takes one server at a time out of them", () => {
    const nats = objectOf(ourObjects(), "StatefulSet", "nats");
    expect(inside(containerOf(nats), "startupProbe.httpGet")["path"]).toBe("/healthz");
  });

  it.each([
    ["", "no max_file_store"],
    ["max_file_store: 20GiB", "max_file_store 20GiB is not below the volume's 20Gi"],
    ["max_file_store: most", "max_file_store most is not below the volume's 20Gi"],
  ])("has a store that is smaller than its volume: %s", (line, problem) => {
    const objects = ourObjects();
    const config = inside(objectOf(objects, "ConfigMap", "nats-config"), "data");
    config["nats.conf"] = String(config["nats.conf"]).replace(/max_file_store: .*/, line) as never;
    expect(checkNats(objects)).toEqual([expect.stringContaining(problem)]);
  });
});

describe("Secrets", () => {
  it("can be exchanged", () => {
    const command = [join(root, "deploy/secrets.mjs"), "--kubernetes", "--postgres"];
    const printed = execFileSync(process.execPath, command, { encoding: "utf8" });
    const made = parseDocuments(printed, "secrets.mjs");
    expect(made.map(({ immutable }) => immutable)).toEqual([undefined, undefined, undefined]);
  });
});

function env(container: Tree): Tree[] {
  return container["env"] as Tree[];
}
