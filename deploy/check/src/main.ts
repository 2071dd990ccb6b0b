import { join } from "node:path";
import { check } from "./check.js";

const problems = check(join(import.meta.dirname, "..", "..", ".."));
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  problems.length === 0 ? "what deploys Fieldlog is right\n" : `${problems.length} problems\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
