import { Ajv } from "ajv";

const text = { type: "string" };
const closed = (properties: object, required: string[] = []) => ({
  ...{ type: "object", properties, required },
  additionalProperties: false,
});
const quantities = { type: "object", additionalProperties: text };

/** Of CloudNativePG's Cluster the fields that we use: its schema comes with the operator, not with any package. */
export const cluster = new Ajv({ allErrors: true }).compile(
  closed(
    {
      ...{ apiVersion: text, kind: text, metadata: { type: "object" } },
      spec: closed(
        {
          instances: { type: "integer", minimum: 1 },
          imageName: text,
          bootstrap: closed({ initdb: closed({ database: text, owner: text }, ["database", "owner"]) }),
          postgresql: closed({ parameters: quantities }),
          storage: closed({ size: text, storageClass: text }),
          affinity: closed({ enablePodAntiAffinity: { type: "boolean" }, topologyKey: text }),
          resources: closed({ requests: quantities, limits: quantities }),
        },
        ["instances", "storage"],
      ),
    },
    ["apiVersion", "kind", "metadata", "spec"],
  ),
);
