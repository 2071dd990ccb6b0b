import { readFileSync } from "node:fs";
import type { Runtime } from "node:inspector";
import { SourceMap } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Place } from "./costs.js";

const OF_V8: Readonly<Record<string, string>> = { "(idle)": "idle", "(garbage collector)": "GC" };
/** The innermost package of a path. */
const DEPENDENCY = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/;
const OURS = /^((?:services|libs|deploy)\/[^/]+)\//;

/** Says where the functions of a profile stand: ours by the line of their source, through the builds' source maps. */
export class Places {
  private readonly maps = new Map<string, SourceMap | undefined>();

  /** @param root of the repository */
  constructor(private readonly root: string) {}

  readonly of = ({ url, functionName, lineNumber, columnNumber }: Runtime.CallFrame): Place => {
    const name = functionName === "" ? "(anonymous)" : functionName;
    if (url === "") return { package: OF_V8[name] ?? "V8", name };
    if (url.startsWith("node:")) return { package: "Node", name: `${name} ${url}:${lineNumber + 1}` };
    const file = url.startsWith("file:") ? fileURLToPath(url) : url;
    const [, dependency, path] = DEPENDENCY.exec(file) ?? [];
    if (dependency !== undefined) {
      return { package: dependency, name: `${name} ${dependency}/${path}:${lineNumber + 1}` };
    }
    const entry = this.mapOf(file)?.findEntry(lineNumber, columnNumber);
    const source =
      entry && "originalSource" in entry
        ? { file: resolve(dirname(file), entry.originalSource), line: entry.originalLine }
        : { file, line: lineNumber };
    const shown = relative(this.root, source.file);
    return { package: OURS.exec(shown)?.[1] ?? shown, name: `${name} ${shown}:${source.line + 1}` };
  };

  private mapOf(file: string): SourceMap | undefined {
    if (!this.maps.has(file)) this.maps.set(file, read(`${file}.map`));
    return this.maps.get(file);
  }
}

function read(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    // Without one, its own lines are told.
    return undefined;
  }
}
