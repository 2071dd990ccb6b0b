import type { OwnWrites } from "@fieldlog/admission";
import { type properties, REGISTRY } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import type { FastifyInstance } from "fastify";
import { jsonText } from "../../http/json-text.js";
import type { Access } from "../../native/access.js";
import { param } from "../../native/input.js";
import type { OperatorOperation } from "../operation.js";
import { refusals } from "../refusal.js";
import { type Asked, bodyOf, type ServeOptions, serveOperator } from "../serve.js";
import { propertyOperations as own, Properties, Tags } from "./property-operations.js";

export interface PropertyRoutesParts {
  readonly access: Access;
  readonly properties: RpcClient<typeof properties.PropertiesService>;
  readonly ownWrites: OwnWrites;
}

/** What the dialect tells among properties, and takes back with them. */
const TOLD = ["$version", "$metadata"];

/** What operators of the dialect ask of devices' properties, by a native key as Bearer: section B2. */
export function propertyRoutes(
  app: FastifyInstance,
  parts: PropertyRoutesParts,
  options: ServeOptions,
): void {
  const add = (operation: OperatorOperation, handle: (asked: Asked) => Promise<object>) =>
    serveOperator(app, options, parts.access, operation, handle);
  const shown = async ({ namespace, request }: Asked, kind: "desired" | "reported") => {
    const asked = { namespace: namespace.id, device: param(request, "device") };
    return told((await parts.properties.getProperties(asked))[kind]);
  };
  const desire = (replaces: boolean) => (asked: Asked) =>
    change(parts, asked, "changeDesired", bodyOf(Properties, asked.request), replaces);
  add(own.getDesired, (asked) => shown(asked, "desired"));
  add(own.replaceDesired, desire(true));
  add(own.patchDesired, desire(false));
  add(own.getReported, (asked) => shown(asked, "reported"));
  add(own.patchTags, (asked) => change(parts, asked, "changeTags", bodyOf(Tags, asked.request).tags, false));
}

async function change(
  { properties: client, ownWrites }: PropertyRoutesParts,
  { namespace, request, decidedBy }: Asked,
  call: "changeDesired" | "changeTags",
  body: Record<string, unknown>,
  replaces: boolean,
): Promise<object> {
  const given = Object.fromEntries(Object.entries(body).filter(([name]) => !TOLD.includes(name)));
  const { now, sequence } = await client[call]({
    ...{ namespace: namespace.id, device: param(request, "device"), decidedBy },
    ...{ patchJson: jsonText(given, refusals.invalid), replaces },
  });
  ownWrites.note(namespace.id, REGISTRY, Number(sequence));
  return told(now);
}

function told(of: properties.VersionedJson | undefined): object {
  if (of === undefined) throw new Error("devices answered without properties");
  return { ...JSON.parse(of.json), $version: Number(of.version) };
}
