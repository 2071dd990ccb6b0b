import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// The suffix is the kind of test. Tests with real servers run one file at a time, so that they leave
// the two cores of a small machine to the servers.
const kinds = { unit: "src/**/*.spec.ts", int: "src/**/*.int.spec.ts", e2e: "src/**/*.e2e.spec.ts" };
const root = fileURLToPath(new URL("..", import.meta.url));
const packages = ["libs", "services", "deploy"];
// Starts the PostgreSQL that the test files share, and ends it after the last one.
const globalSetup = "libs/testkit/src/global-setup.ts";
const within = (pattern: string) => packages.map((folder) => `${folder}/*/${pattern}`);

export default defineConfig({
  test: {
    projects: [
      {
        root,
        test: {
          name: "unit",
          include: within(kinds.unit),
          exclude: ["**/*.int.spec.ts", "**/*.e2e.spec.ts", "**/node_modules/**"],
        },
      },
      {
        root,
        test: {
          name: "int",
          globalSetup,
          include: within(kinds.int),
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        root,
        test: {
          name: "e2e",
          globalSetup,
          include: within(kinds.e2e),
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
