import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// The suffix is the kind of test. Tests with real servers run two files at a time: most of the time they wait, and a
// small machine has two cores.
const withServers = { maxWorkers: 2, sequence: { groupOrder: 1 } };
const kinds = { unit: "src/**/*.spec.ts", int: "src/**/*.int.spec.ts", e2e: "src/**/*.e2e.spec.ts" };
const root = fileURLToPath(new URL("..", import.meta.url));
const packages = ["libs", "services", "deploy"];
// Starts the PostgreSQL that the test files share, and ends it after the last one.
const servers = "libs/testkit/src/global-setup.ts";
// Bundles the built services for the tests that start them.
const programs = "libs/testkit/src/programs.ts";
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
          globalSetup: servers,
          include: within(kinds.int),
          ...withServers,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        root,
        test: {
          name: "e2e",
          globalSetup: [servers, programs],
          include: within(kinds.e2e),
          ...withServers,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
