import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// The suffix is the kind of test. What starts servers waits more than half of its time: four files at a time keep the two
// cores of a small machine at work. One group, so that no kind waits for the last file of another.
const workers = { maxWorkers: 4, sequence: { groupOrder: 1 } };
const kinds = { unit: "src/**/*.spec.ts", int: "src/**/*.int.spec.ts", e2e: "src/**/*.e2e.spec.ts" };
const root = fileURLToPath(new URL("..", import.meta.url));
const packages = ["libs", "services", "deploy"];
// Starts the PostgreSQL that the test files share, and ends it after the last one.
const servers = "libs/testkit/src/global-setup.ts";
// Bundles the built services for the tests that start them.
const programs = "libs/testkit/src/programs.ts";
// What starts servers gets a second try where the whole CI runs (.ci/run), because one test in five thousand that another
// process of a small machine held up would refuse a change. It is named at the end (second-tries.ts), and is a defect.
// Not for tests with `retry: 0`: what they fail of once is a finding, or their tests go on from one another.
const retry = process.env["SECOND_TRY"] === "yes" ? 1 : 0;
const within = (pattern: string) => packages.map((folder) => `${folder}/*/${pattern}`);

/** The files that take longest, by far; begun first, so that none of them runs on alone at the end. */
const longest = [
  "deploy/local/src/faults.e2e.spec.ts",
  "services/edge-mqtt/src/conformance/faults/faults.e2e.spec.ts",
  "deploy/local/src/launch.e2e.spec.ts",
  "services/edge-http/src/security/security.e2e.spec.ts",
  "deploy/local/src/readme.e2e.spec.ts",
  "services/cli/src/cli.e2e.spec.ts",
  "deploy/local/src/delivery.e2e.spec.ts",
  "libs/testkit/src/system.e2e.spec.ts",
  "services/simulator/src/air.e2e.spec.ts",
  "services/edge-mqtt/src/conformance/fuzz/fuzz.e2e.spec.ts",
  "services/edge-http/src/native/tenancy/clearing.e2e.spec.ts",
  "services/edge-mqtt/src/conformance/mosquitto.e2e.spec.ts",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = longest.findIndex((path) => moduleId.endsWith(path));
      return place === -1 ? longest.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/** Once more with each system as processes, on three NATS servers; `npm test -- --processes` runs all so. */
const inBothShapes = [
  "services/edge-http/src/native/publish/publish.e2e.spec.ts",
  "deploy/local/src/shards.e2e.spec.ts",
];
const startedSystems = { retry, testTimeout: 240_000, hookTimeout: 240_000 };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        root,
        test: {
          name: "unit",
          include: within(kinds.unit),
          exclude: ["**/*.int.spec.ts", "**/*.e2e.spec.ts", "**/node_modules/**"],
          ...workers,
          // Pure: what a file imports may serve the next one.
          isolate: false,
          // Others run beside them that take all the machine.
          testTimeout: 20_000,
        },
      },
      {
        root,
        test: {
          name: "int",
          // Each file has servers of its own, or a database of its own on them; a quarter of the time is saved.
          isolate: false,
          globalSetup: servers,
          include: within(kinds.int),
          ...workers,
          retry,
          // Twice what testkit's until() waits, so that a failure names what did not happen.
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
      {
        root,
        test: {
          name: "e2e",
          globalSetup: [servers, programs],
          include: within(kinds.e2e),
          ...workers,
          ...startedSystems,
        },
      },
      {
        root,
        test: {
          name: "processes",
          globalSetup: [servers, programs],
          include: inBothShapes,
          env: { TESTKIT_SHAPE: "processes" },
          ...workers,
          ...startedSystems,
        },
      },
    ],
  },
});
