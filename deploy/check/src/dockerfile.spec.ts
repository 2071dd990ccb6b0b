import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDockerfile } from "./dockerfile.js";
import { root } from "./repository.fixture.js";

const text = readFileSync(join(root, "deploy/docker/Dockerfile"), "utf8");
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

function problemsWith(from: string, to: string): readonly string[] {
  const changed = text.replace(from, () => to);
  if (changed === text) throw new Error(`the Dockerfile has no ${from}`);
  return readDockerfile(changed, packageManager).problems;
}

describe("the Dockerfile", () => {
  it("is right, and says what it sets", () => {
    const { problems, environment } = readDockerfile(text, packageManager);
    expect(problems).toEqual([]);
    expect(environment).toMatchObject({ FIELDLOG_BIND: "0.0.0.0", FIELDLOG_OPS_PORT: "9200" });
  });

  it.each([
    ["a parser of its own", "", "# syntax=docker/dockerfile:1\n", "by one more image"],
    ["root", "USER 65532:65532\n", "USER root\n", "user other than root"],
    ["a base of any version", "node:24-trixie-slim", "node", "FROM node: no version is said"],
    [
      "packages that the lockfile does not name",
      "install --frozen-lockfile --prefer-offline --prod",
      "install --prod",
      "without --frozen-lockfile",
    ],
    ["another pnpm", packageManager, "pnpm@9.0.0", "pnpm@9.0.0 is not"],
    ["a shell that is not there", 'CMD ["/app/main.mjs"]', "CMD /app/main.mjs", "needs a shell"],
    ["no health check", "HEALTHCHECK", "LABEL", "there is no HEALTHCHECK"],
    [
      "a setting that is none",
      "FIELDLOG_OPS_PORT=9200",
      "FIELDLOG_OPERATOR_PORT=9200",
      "FIELDLOG_OPERATOR_PORT is not a setting",
    ],
  ])("with %s is found wrong", (_, from, to, problem) => {
    expect(problemsWith(from, to).join("\n")).toContain(problem);
  });
});
