import { join } from "node:path";
import { type Code, readCode } from "./code.js";
import type { Manifest, Tree } from "./documents.js";
import { render } from "./kustomize/render.js";

export const root = join(import.meta.dirname, "..", "..", "..");

let code: Code | undefined;
export const ourCode = (): Code => (code ??= readCode(root));

let production: Manifest[] | undefined;
/** Overlay production, to be changed at will. */
export function ourObjects(): Manifest[] {
  production ??= render(join(root, "deploy/k8s/overlays/production"));
  // Not structuredClone, which keeps what two objects share.
  return JSON.parse(JSON.stringify(production));
}

/** The object of this kind and name; throws where there is none. */
export function objectOf(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** What stands at a path such as `spec.template.0`; throws on the way to nowhere. */
export function inside(tree: unknown, path: string): Tree {
  return path.split(".").reduce((place, key) => (place as Tree)[key] as Tree, tree as Tree);
}

/** The pod of a workload, and its container. */
export const podOf = (object: Manifest): Tree => inside(object, "spec.template.spec");
export const containerOf = (object: Manifest): Tree => inside(object, "spec.template.spec.containers.0");
