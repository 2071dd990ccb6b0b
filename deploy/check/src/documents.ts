import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

/** An object of a YAML or JSON document, of which nothing is known yet. */
export type Tree = { [key: string]: unknown };

/** What every object of Kubernetes has. */
export interface Manifest extends Tree {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { name: string; namespace?: string; labels?: Record<string, string> };
}

/** The documents of a YAML file. Throws, naming the file, for what is no YAML (a key twice, too). */
export function readDocuments(file: string): Tree[] {
  return parseDocuments(readFileSync(file, "utf8"), file);
}

export function parseDocuments(text: string, from: string): Tree[] {
  return parseAllDocuments(text, { merge: true }).map((document) => {
    const [error] = document.errors;
    if (error) throw new Error(`${from}: ${error.message}`);
    return document.toJS() as Tree;
  });
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `KEY=value` lines, as docker compose and Kustomize read them. */
export function readEnvFile(file: string): Record<string, string> {
  const lines = readFileSync(file, "utf8").split("\n");
  const set = lines.filter((line) => /^[A-Za-z_]\w*=/.test(line));
  return Object.fromEntries(
    set.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}
