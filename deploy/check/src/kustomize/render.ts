import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type Manifest, parseDocuments, readDocuments, readEnvFile, type Tree } from "../documents.js";
import { merge } from "./merge.js";

interface Patch {
  readonly path?: string;
  readonly patch?: string;
  readonly target?: { readonly kind?: string; readonly name?: string };
}

interface Generator {
  readonly name: string;
  readonly behavior?: "merge";
  readonly envs?: readonly string[];
  readonly files?: readonly string[];
}

interface Kustomization {
  readonly namespace?: string;
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly configMapGenerator?: readonly Generator[];
  readonly patches?: readonly Patch[];
}

const KNOWN = ["apiVersion", "kind", "namespace", "resources", "components", "configMapGenerator", "patches"];

/**
 * The objects of a Kustomize folder, for machines without kubectl: what our manifests use of Kustomize and no more. The
 * names of generated ConfigMaps lack the digest. Throws for what it does not know.
 */
export function render(dir: string): Manifest[] {
  return apply(dir, []);
}

function apply(dir: string, before: readonly Manifest[]): Manifest[] {
  const file = join(dir, "kustomization.yaml");
  const [read] = readDocuments(file);
  const unknown = Object.keys(read ?? {}).filter((key) => !KNOWN.includes(key));
  if (unknown.length > 0)
    throw new Error(`${file}: ${unknown.join(", ")} is not used so far, and not rendered`);
  const kustomization = read as Kustomization;
  let objects = [...before];
  for (const resource of kustomization.resources ?? []) {
    const path = join(dir, resource);
    objects.push(...(statSync(path).isDirectory() ? render(path) : (readDocuments(path) as Manifest[])));
  }
  for (const generator of kustomization.configMapGenerator ?? []) objects = generate(objects, generator, dir);
  for (const component of kustomization.components ?? []) objects = apply(join(dir, component), objects);
  for (const patch of kustomization.patches ?? []) objects = patched(objects, patch, dir);
  const { namespace } = kustomization;
  return namespace === undefined ? objects : objects.map((object) => within(namespace, object));
}

function within(namespace: string, object: Manifest): Manifest {
  return object.kind === "Namespace" ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

function generate(objects: Manifest[], { name, behavior, envs = [], files = [] }: Generator, dir: string) {
  const data: Record<string, string> = {};
  for (const env of envs) Object.assign(data, readEnvFile(join(dir, env)));
  for (const file of files) data[basename(file)] = readFileSync(join(dir, file), "utf8");
  if (behavior === undefined) {
    return [...objects, { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data }];
  }
  const isIt = ({ kind, metadata }: Manifest) => kind === "ConfigMap" && metadata.name === name;
  if (!objects.some(isIt)) throw new Error(`${dir}: there is no ConfigMap ${name} to merge with`);
  return objects.map((object) => (isIt(object) ? (merge(object, { data }) as Manifest) : object));
}

function patched(objects: Manifest[], { path, patch, target }: Patch, dir: string): Manifest[] {
  const from = path === undefined ? `${dir} (a patch)` : join(dir, path);
  const [change] = patch === undefined ? readDocuments(from) : parseDocuments(patch, from);
  const { kind, metadata, ...rest } = change as Manifest;
  const name = new RegExp(`^(${target === undefined ? metadata.name : (target.name ?? ".*")})$`);
  const isMeant = (object: Manifest) =>
    object.kind === (target?.kind ?? kind) && name.test(object.metadata.name);
  if (!objects.some(isMeant)) throw new Error(`${from} is for no object that there is`);
  return objects.map((object) => (isMeant(object) ? (merge(object, rest as Tree) as Manifest) : object));
}
