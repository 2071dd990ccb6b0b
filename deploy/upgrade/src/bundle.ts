import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Plugin, rolldown } from "rolldown";

/** What is started of a version, by the sources of its program. */
export const PROGRAMS = {
  /** All services in one process. */
  whole: "deploy/local/src/main.ts",
  /** One door alone. */
  door: "services/edge-http/src/main.ts",
} as const;

const FOLDERS = ["libs", "services", "deploy"];

/** Makes a file of each program, from the sources of a checkout with its packages: seconds, where a build takes minutes. */
export async function bundle(root: string, dir: string): Promise<void> {
  const input = Object.fromEntries(Object.entries(PROGRAMS).map(([name, main]) => [name, join(root, main)]));
  const build = await rolldown({
    ...{ input, cwd: root, platform: "node", plugins: [fromSources(root), ownPlaces, nativeCode] },
    tsconfig: join(root, ".config", "tsconfig.base.json"),
    // A source names what the compiler would make of its neighbours.
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
    // What a package may use and is not installed stays a require that fails, as without a bundle.
    checks: { unresolvedImport: false, ineffectiveDynamicImport: false },
  });
  const names = { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" };
  await build.write({ dir, format: "esm", keepNames: true, ...names });
  await build.close();
}

/** A package of the workspace by its name: the sources behind its door. */
function fromSources(root: string): Plugin {
  return {
    name: "from sources",
    resolveId: {
      filter: { id: /^@fieldlog\// },
      handler: (id) => {
        const [, name = "", ...rest] = id.split("/");
        const file = `${rest.join("/") || "index"}.ts`;
        const paths = FOLDERS.map((folder) => join(root, folder, name, "src", file));
        return paths.find((path) => existsSync(path));
      },
    },
  };
}

/** A module finds the files beside it where they are: what is built lies as deep as its sources. */
const ownPlaces: Plugin = {
  name: "own places",
  transform: {
    filter: { code: "import.meta." },
    handler: (code, id) =>
      code
        .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href))
        .replaceAll("import.meta.dirname", JSON.stringify(dirname(id))),
  },
};

/** Addons are loaded from where they are. */
const nativeCode: Plugin = {
  name: "native code",
  load: {
    filter: { id: /\.node$/ },
    handler: (id) => ({ code: `process.dlopen(module, ${JSON.stringify(id)});`, moduleType: "js" }),
  },
};
