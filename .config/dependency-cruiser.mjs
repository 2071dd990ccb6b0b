// Services depend on libs, libs on contracts; never sideways, never in a circle.

/** Runs in tests alone. */
const TESTS = "(\\.(spec|fixture)\\.ts$|^services/edge-mqtt/src/conformance/)";

export default {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "services-never-sideways",
      severity: "error",
      from: { path: "^services/([^/]+)/" },
      to: { path: "^services/([^/]+)/", pathNot: "^services/$1/" },
    },
    {
      name: "libs-never-on-services",
      severity: "error",
      from: { path: "^libs/" },
      to: { path: "^(services|deploy)/" },
    },
    {
      name: "contracts-on-nothing",
      severity: "error",
      from: { path: "^libs/contracts/" },
      to: { path: "^(libs|services|deploy)/", pathNot: "^libs/contracts/" },
    },
    {
      name: "one-door-per-package",
      comment: "Another package is imported by its name, which leads to its index.",
      severity: "error",
      from: { path: "^(libs|services)/([^/]+)/src/" },
      to: { path: "^(libs|services)/([^/]+)/src/", pathNot: "^$1/$2/" },
    },
    {
      name: "tests-stay-out-of-code",
      severity: "error",
      from: {
        path: "^(libs|services|deploy)/",
        pathNot: [TESTS, "^libs/testkit/", "^deploy/(bench|faults)/"],
      },
      to: { path: "^libs/testkit/" },
    },
    { name: "not-to-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "no-undeclared-dependencies",
      severity: "error",
      from: { pathNot: TESTS },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "code-runs-without-tools",
      comment:
        "An image holds what package.json calls dependencies; types alone may come from devDependencies.",
      severity: "error",
      from: { path: "^(libs|services)/", pathNot: TESTS },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only", "npm"] },
    },
  ],
  options: {
    // What is built, ours or others', ends a path; it is not left out, since every import of a package leads there.
    doNotFollow: { path: "(^|/)(node_modules|dist)/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "default"] },
  },
};
