import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeFiles } from "@fieldlog/observability";
import { check } from "./check.js";
import { hasCurrentSettings, withSettings } from "./settings-doc.js";

const root = join(import.meta.dirname, "..", "..", "..");
if (process.argv.includes("--write")) {
  const file = join(root, "deploy/README.md");
  const text = readFileSync(file, "utf8");
  if (!hasCurrentSettings(text)) writeFileSync(file, withSettings(text));
  writeFiles(root);
}

const problems = check(root);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  problems.length === 0 ? "what deploys Fieldlog is right\n" : `${problems.length} problems\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
