#!/usr/bin/env node
// Checked in, because npx looks for it before anything is built.
import { existsSync } from "node:fs";

const main = new URL("../dist/main.js", import.meta.url);
if (existsSync(main)) {
  const { runCli } = await import(main.href);
  process.exitCode = await runCli(process.argv.slice(2));
} else {
  process.stderr.write("fieldlog is not built yet: run `npm start` or `npm run build` first.\n");
  process.exitCode = 1;
}
