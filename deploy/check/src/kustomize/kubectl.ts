import { execFileSync } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import { isTree, type Manifest, parseDocuments } from "../documents.js";

/** What `kubectl kustomize` makes of a folder, which takes no cluster; undefined where kubectl is not installed. */
export function renderByKubectl(dir: string): Manifest[] | undefined {
  try {
    const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
    const text = execFileSync("kubectl", ["kustomize", dir], { encoding: "utf8", stdio, timeout: 60_000 });
    return parseDocuments(text, dir) as Manifest[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The names of objects that differ between two renderings, apart from the order in lists and from digests in names. */
export function differences(ours: readonly Manifest[], theirs: readonly Manifest[]): string[] {
  const [mine, other] = [byName(ours), byName(theirs)];
  const names = [...new Set([...mine.keys(), ...other.keys()])];
  return names.filter((name) => !isDeepStrictEqual(mine.get(name), other.get(name)));
}

function byName(objects: readonly Manifest[]): Map<string, unknown> {
  const entries = objects.map((object) => {
    const plain = sorted(object) as Manifest;
    return [`${plain.kind} ${plain.metadata.name}`, plain] as const;
  });
  return new Map(entries);
}

function sorted(value: unknown): unknown {
  if (typeof value === "string")
    return value.replace(/^((?:fieldlog-settings|nats-config))-[a-z0-9]{10}$/, "$1");
  if (Array.isArray(value)) {
    const elements = value.map(sorted);
    return elements.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (!isTree(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}
