import type { KnownKey, KnownNamespace, OwnWrites } from "@fieldlog/admission";
import { type properties, REGISTRY } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Access, Permission } from "../../native/access.js";
import { param } from "../../native/input.js";
import { bodyOf, type Method, type ServeOptions, serve } from "../serve.js";

export interface PropertyRoutesParts {
  readonly access: Access;
  readonly properties: RpcClient<typeof properties.PropertiesService>;
  readonly ownWrites: OwnWrites;
}

interface Asked {
  readonly key: KnownKey;
  readonly namespace: KnownNamespace;
  readonly request: FastifyRequest;
}

const Properties = z.record(z.string(), z.unknown());
const Tags = z.object({ tags: Properties });
/** What the dialect tells among properties, and takes back with them. */
const TOLD = ["$version", "$metadata"];

/** What operators of the dialect ask of devices' properties, by a native key as Bearer: section B2. */
export function propertyRoutes(
  app: FastifyInstance,
  parts: PropertyRoutesParts,
  options: ServeOptions,
): void {
  const add = (
    method: Method,
    path: string,
    name: string,
    needs: Permission,
    handle: (asked: Asked) => Promise<object>,
  ) =>
    serve(app, options, { method, url: `/workspaces/:ns/devices/:device${path}`, name }, async (request) =>
      handle({ ...(await parts.access.namespace(request, needs)), request }),
    );
  const shown = async ({ namespace, request }: Asked, kind: "desired" | "reported") => {
    const asked = { namespace: namespace.id, device: param(request, "device") };
    return told((await parts.properties.getProperties(asked))[kind]);
  };
  const desire = (replaces: boolean) => (asked: Asked) =>
    change(parts, asked, "changeDesired", bodyOf(Properties, asked.request), replaces);
  add("GET", "/desired-properties", "getDesired", "read", (asked) => shown(asked, "desired"));
  add("PUT", "/desired-properties", "replaceDesired", "write", desire(true));
  add("PATCH", "/desired-properties", "patchDesired", "write", desire(false));
  add("GET", "/reported-properties", "getReported", "read", (asked) => shown(asked, "reported"));
  add("PATCH", "/tags", "patchTags", "write", (asked) =>
    change(parts, asked, "changeTags", bodyOf(Tags, asked.request).tags, false),
  );
}

async function change(
  { properties: client, ownWrites }: PropertyRoutesParts,
  { key, namespace, request }: Asked,
  call: "changeDesired" | "changeTags",
  body: Record<string, unknown>,
  replaces: boolean,
): Promise<object> {
  const given = Object.fromEntries(Object.entries(body).filter(([name]) => !TOLD.includes(name)));
  const { now, sequence } = await client[call]({
    ...{ namespace: namespace.id, device: param(request, "device"), decidedBy: `key:${key.id}` },
    ...{ patchJson: JSON.stringify(given), replaces },
  });
  ownWrites.note(namespace.id, REGISTRY, Number(sequence));
  return told(now);
}

function told(of: properties.VersionedJson | undefined): object {
  if (of === undefined) throw new Error("devices answered without properties");
  return { ...JSON.parse(of.json), $version: Number(of.version) };
}
