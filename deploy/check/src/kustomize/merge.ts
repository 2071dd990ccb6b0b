import { isTree, type Tree } from "../documents.js";

/** The keys by which Kubernetes tells elements of lists apart; other lists are replaced as a whole. */
const MERGE_KEYS: Record<string, string> = {
  containers: "name",
  env: "name",
  ports: "containerPort",
  volumes: "name",
  volumeMounts: "mountPath",
  topologySpreadConstraints: "topologyKey",
};

/** A strategic merge patch, as far as our manifests use it: null removes, lists are merged by their key. */
export function merge(target: Tree, patch: Tree): Tree {
  const merged: Tree = { ...target };
  for (const [key, change] of Object.entries(patch)) {
    const before = merged[key];
    const by = MERGE_KEYS[key];
    if (change === null) delete merged[key];
    else if (isTree(change) && isTree(before)) merged[key] = merge(before, change);
    else if (by !== undefined && Array.isArray(change) && Array.isArray(before)) {
      merged[key] = mergeLists(before, change, by);
    } else merged[key] = change;
  }
  return merged;
}

function mergeLists(before: readonly Tree[], change: readonly Tree[], by: string): Tree[] {
  const merged = [...before];
  for (const element of change) {
    const place = merged.findIndex((other) => other[by] === element[by]);
    if (place === -1) merged.push(element);
    else merged[place] = merge(merged[place] as Tree, element);
  }
  return merged;
}
