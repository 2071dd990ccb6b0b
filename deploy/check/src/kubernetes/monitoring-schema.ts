import { Ajv } from "ajv";

const text = { type: "string" };
const texts = { type: "object", additionalProperties: text };
const closed = (properties: Readonly<Record<string, object>>, required = Object.keys(properties)) => ({
  ...{ type: "object", properties, required },
  additionalProperties: false,
});
const list = (items: object) => ({ type: "array", items, minItems: 1 });
const object = (kind: string, spec: object) =>
  closed({
    ...{ apiVersion: text, kind: { const: kind }, metadata: { type: "object" } },
    spec,
  });

const rule = closed(
  {
    alert: text,
    expr: text,
    for: { type: "string", pattern: "^\\d+[smh]$" },
    labels: texts,
    annotations: texts,
  },
  ["alert", "expr", "labels", "annotations"],
);
const selector = closed({ matchLabels: texts });

// Of the Prometheus operator the fields that we use: their schemas come with it.

export const rules = new Ajv().compile(
  object("PrometheusRule", closed({ groups: list(closed({ name: text, rules: list(rule) })) })),
);
export const podMonitor = new Ajv().compile(
  object(
    "PodMonitor",
    closed({ jobLabel: text, selector, podMetricsEndpoints: list(closed({ port: text, interval: text })) }),
  ),
);
