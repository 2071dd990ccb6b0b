// What `npm start`, `npm test` and `npm run` bench, faults, fuzz and the checks call: plain JavaScript without
// dependencies, for Node 20 and later, because nothing is installed or built yet. It installs, builds, and hands over to the built code,
// which runs on Node 22 or later: the one that runs this, or the one that came with the packages.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = 20;
/** From this version on the installed Node runs the built code itself. */
const NODE_FOR_SERVICES = 22;
/** The release line of the Node that comes with the packages. */
const BUNDLED_NODE = "24.21.0";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const inRoot = (...parts) => join(root, ...parts);
const major = Number(process.versions.node.split(".")[0]);
/** Passed on as it is to all that is run; the settings in it are read by the built code. */
const environment = process.env;
let child;

async function main([command = "start", ...args]) {
  if (major < OLDEST_NODE) {
    fail(
      `Fieldlog needs Node ${OLDEST_NODE} or later; this is ${process.version}. Get it from https://nodejs.org`,
    );
  }
  const commands = {
    install: () => 0,
    start,
    test,
    bench,
    faults,
    fuzz,
    "deploy:check": deployCheck,
    "compose:check": composeCheck,
    "k8s:check": kubernetesCheck,
    "upgrade:check": upgradeCheck,
  };
  if (!Object.hasOwn(commands, command))
    fail(`there is no command ${command}; there are: ${Object.keys(commands).join(", ")}`);
  forwardSignals();
  await install();
  await build();
  process.exitCode = await commands[command](args);
}

const start = (args) => run(services(), [inRoot("deploy/local/dist/main.js"), ...args]);

async function bench(args) {
  const entry = inRoot("deploy/bench/dist/main.js");
  return run(services(), [entry, ...args]);
}

const faults = (args) => run(services(), [inRoot("deploy/faults/dist/main.js"), ...args]);

const fuzz = (args) => run(services(), [inRoot("deploy/fuzz/dist/main.js"), ...args]);

const deployCheck = (args) => run(services(), [inRoot("deploy/check/dist/main.js"), ...args]);

const composeCheck = (args) => run(services(), [inRoot("deploy/containers/dist/compose/main.js"), ...args]);

const kubernetesCheck = (args) =>
  run(services(), [inRoot("deploy/containers/dist/kubernetes/main.js"), ...args]);

const upgradeCheck = (args) => run(services(), [inRoot("deploy/upgrade/dist/main.js"), ...args]);

/**
 * Runs every test (or those whose path contains one of `args`) and ends with one line of honest numbers. With
 * --processes: those of started systems, each system as processes on three NATS servers.
 */
async function test([...args]) {
  const inProcesses = args.includes("--processes");
  if (inProcesses) args.splice(args.indexOf("--processes"), 1, "--project", "e2e");
  const folder = mkdtempSync(join(tmpdir(), "fieldlog-results-"));
  const results = join(folder, "results.json");
  const vitest = [inRoot("node_modules/vitest/vitest.mjs"), "run", "--config", ".config/vitest.config.ts"];
  const reporters = ["default", ".config/second-tries.ts", "json"].map((name) => `--reporter=${name}`);
  reporters.push(`--outputFile.json=${results}`);
  const env = { ...environment, ...(inProcesses && { TESTKIT_SHAPE: "processes" }) };
  const code = await run(services(), [...vitest, "--root", ".", ...reporters, ...args], env);
  const { passed, failed } = countResults(results, code);
  rmSync(folder, { recursive: true, force: true });
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  return failed > 0 ? code || 1 : code;
}

/** What counts as a failure besides a failed test: a file that could not run, a run that broke off, no test at all. */
function countResults(file, code) {
  let passed = 0;
  let failed = 0;
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    passed = report.numPassedTests;
    failed = report.numFailedTests;
    for (const one of report.testResults) {
      const tests = one.assertionResults.some(({ status }) => status === "failed");
      if (one.status === "failed" && !tests) failed++;
    }
  } catch {
    // vitest ended before it wrote its report.
  }
  if (failed === 0 && (code !== 0 || passed === 0)) failed = 1;
  return { passed, failed };
}

async function install() {
  const wanted = digest(
    [inRoot("pnpm-lock.yaml"), inRoot("package.json"), ...packageFiles("package.json")],
    read,
  );
  if (isDone("installed", wanted)) return;
  say("installing packages (the first time this takes a minute or two)");
  // The packages are judged by the Node that will run them, not by the one that installs them.
  const flags = [`--config.node-version=${BUNDLED_NODE}`, "--config.confirmModulesPurge=false"];
  const code = await pnpm("install", "--frozen-lockfile", ...flags);
  if (code !== 0) {
    fail(
      "the packages could not be installed. This needs the npm registry once: check the network " +
        "(or the registry and proxy in `npm config list`), then run it again.",
    );
  }
  markDone("installed", wanted);
}

async function build() {
  const sources = [...packageFiles("package.json"), ...packageFiles("tsconfig.json"), ...packageFiles("src")];
  const built = packageFiles("src").map((src) => join(dirname(src), "dist"));
  const files = [inRoot(".config/tsconfig.base.json"), ...sources.flatMap(filesUnder)];
  const wanted = digest(files, (file) => `${statSync(file).mtimeMs} ${statSync(file).size}`);
  if (isDone("built", wanted) && built.every((dist) => existsSync(dist))) return;
  say("building");
  const code = await pnpm("exec", "turbo", "run", "build", "--output-logs=errors-only");
  if (code !== 0) fail("the build failed; the messages are above.");
  markDone("built", wanted);
}

/** pnpm of the version that package.json names, fetched by npx; its folder is on the PATH of what it runs. */
function pnpm(...args) {
  const version = JSON.parse(read(inRoot("package.json"))).packageManager;
  const env = {
    ...environment,
    TURBO_TELEMETRY_DISABLED: "1",
    TURBO_NO_UPDATE_NOTIFIER: "1",
    DO_NOT_TRACK: "1",
  };
  return run("npx", ["--yes", version, ...args], { ...env, npm_config_update_notifier: "false" });
}

/** The Node that runs the built code. */
function services() {
  if (major >= NODE_FOR_SERVICES) return process.execPath;
  const bundled = inRoot("node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(bundled)) return bundled;
  return fail(
    `no Node ${NODE_FOR_SERVICES} or later came with the packages for ${process.platform} on ${process.arch}, ` +
      `and this is ${process.version}. Install Node 24 from https://nodejs.org`,
  );
}

/** Runs a program in the repository with our terminal; resolves with its exit code. */
function run(command, args, env = environment) {
  const path = [dirname(command), inRoot("node_modules/.bin"), env.PATH].filter((part) => part !== ".");
  return new Promise((resolve) => {
    child = spawn(command, args, {
      cwd: root,
      stdio: "inherit",
      env: { ...env, PATH: path.join(delimiter) },
    });
    child.on("error", (error) => fail(`${command} cannot be run: ${error.message}`));
    child.on("close", (code, signal) => {
      child = undefined;
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/**
 * A Ctrl-C reaches the child by itself when the terminal sends it to the whole group, and only through us when it
 * was sent to npm; the launcher takes signals that come together for one. We end when the child has ended.
 */
function forwardSignals() {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => (child ? child.kill(signal) : process.exit(128 + constants.signals[signal])));
  }
}

/** The files or folders of this name in every package of the workspace. */
function packageFiles(name) {
  const folders = ["libs", "services", "deploy"].filter((folder) => existsSync(inRoot(folder)));
  const packages = folders.flatMap((folder) => readdirSync(inRoot(folder)).map((one) => inRoot(folder, one)));
  return packages.map((one) => join(one, name)).filter((path) => existsSync(path));
}

function filesUnder(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
}

function digest(files, describe) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\n${describe(file)}\n`);
  return hash.digest("hex");
}

/** The marks of what was done, and for what, are in node_modules: who removes that begins anew. */
const mark = (name) => inRoot("node_modules", ".fieldlog", name);

function isDone(name, wanted) {
  return existsSync(mark(name)) && read(mark(name)) === wanted;
}

function markDone(name, wanted) {
  mkdirSync(dirname(mark(name)), { recursive: true });
  writeFileSync(mark(name), wanted);
}

function read(file) {
  return readFileSync(file, "utf8");
}

function say(message) {
  process.stdout.write(`fieldlog: ${message}\n`);
}

function fail(message) {
  process.stderr.write(`fieldlog: ${message}\n`);
  process.exit(1);
}

await main(process.argv.slice(2));
