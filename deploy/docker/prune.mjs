// What an image of one service holds: node deploy/docker/prune.mjs <service> <target>, in a workspace in which nothing
// but the service and its dependencies is installed. Plain JavaScript without dependencies, as it runs in the build.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [service, target] = process.argv.slice(2);
if (!service || !target) throw new Error("usage: prune.mjs <service> <target>");

const home = ["services", "libs"].find((folder) => existsSync(join(folder, service, "dist", "main.js")));
if (home === undefined) throw new Error(`there is no dist/main.js of ${service} in services/ or libs/`);

/** What a package needs when it runs. */
const KEPT = ["package.json", "bin", "dist", "node_modules", "pages", "data"];
/** What the compiler writes for others than Node, and tests. */
const UNUSED = /(\.(d\.ts|map)|\.(spec|fixture)\.js)$/;

for (const folder of used(join(home, service))) {
  for (const part of KEPT) if (existsSync(join(folder, part))) copy(join(folder, part));
}
// The root's own dependencies are the Node that npm start brings along; the image has one.
for (const name of readdirSync("node_modules")) {
  if (name.startsWith("node-")) rmSync(join("node_modules", name), { recursive: true, force: true });
}
for (const name of readdirSync("node_modules/.pnpm")) {
  if (/^node-(bin-)?(linux|darwin)-/.test(name))
    rmSync(join("node_modules/.pnpm", name), { recursive: true });
}
copy("node_modules");
copy("package.json");
mkdirSync(join(target, "data"), { recursive: true });
writeFileSync(join(target, "main.mjs"), `await import("./${home}/${service}/dist/main.js");\n`);
cpSync("deploy/docker/healthy.mjs", join(target, "healthy.mjs"));

/** A package of the workspace and those that it needs, directly or not. */
function used(folder, found = new Set()) {
  if (found.has(folder)) return found;
  found.add(folder);
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const [name, version] of Object.entries(dependencies)) {
    if (!version.startsWith("workspace:")) continue;
    const inside = name.replace("@fieldlog/", "");
    used(join(existsSync(join("libs", inside)) ? "libs" : "services", inside), found);
  }
  return found;
}

function copy(path) {
  cpSync(path, join(target, path), {
    recursive: true,
    // Links stay links: they lead from package to package, inside of the target.
    verbatimSymlinks: true,
    filter: (source) => source.includes("node_modules") || !UNUSED.test(source),
  });
}
