import type { Reporter, TestModule } from "vitest/node";

/**
 * Names, at the end of a run, each test that failed and then passed on its second try (`SECOND_TRY`,
 * vitest.config.ts), with what it failed of. Such a test, or what it tests, has a defect.
 */
export default class SecondTries implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const all = modules.flatMap((module) => [...module.children.allTests("passed")]);
    const late = all.filter((test) => test.diagnostic()?.flaky);
    if (late.length === 0) return;
    process.stdout.write("\nPassed on the second try, each a defect to be mended:\n");
    for (const test of late) {
      const [error] = test.result().errors ?? [];
      const why = error?.message.split("\n", 1)[0]?.slice(0, 200) ?? "";
      process.stdout.write(`  ${test.module.relativeModuleId} > ${test.fullName}\n    ${why}\n`);
    }
  }
}
