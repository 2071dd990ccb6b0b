import { Directive, DockerfileParser, type Instruction } from "dockerfile-ast";
import { settingNames } from "./environment.js";

export interface Image {
  readonly environment: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
}

/** Our Dockerfile: what it sets, and which of our rules it breaks. `packageManager`: as package.json says, `pnpm@12.0.0`. */
export function readDockerfile(text: string, packageManager: string): Image {
  const file = DockerfileParser.parse(text);
  const all = file.getInstructions();
  const froms = file.getFROMs();
  const last = all.slice(all.lastIndexOf(froms.at(-1) as Instruction));
  const of = (keyword: string, among = last) => among.filter((one) => one.getKeyword() === keyword);
  const said = (keyword: string) => of(keyword).at(-1)?.getArgumentsContent() ?? "";
  const environment = Object.fromEntries(
    file.getENVs().flatMap((env) => env.getProperties().map((one) => [one.getName(), one.getValue() ?? ""])),
  );
  const stages = froms.map((from) => from.getBuildStage());
  const problems: string[] = [];
  const must = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  must(
    file.getDirectives().every((one) => one.getDirective() !== Directive.syntax),
    "# syntax= has the Dockerfile read by one more image, which nothing here fixes",
  );
  for (const from of froms.filter((one) => !stages.includes(one.getImageName() ?? ""))) {
    const fixed = from.getImageTag() ?? from.getImageDigest();
    must(
      fixed !== undefined && fixed !== null && fixed !== "latest",
      `FROM ${from.getImage()}: no version is said`,
    );
  }
  must(froms.length >= 2, "it builds and runs in one stage");
  must(/^[1-9]\d*(:[1-9]\d*)?$/.test(said("USER")), "it does not end as a user other than root, by number");
  must(said("HEALTHCHECK").includes("healthy.mjs"), "there is no HEALTHCHECK by healthy.mjs");
  for (const keyword of ["CMD", "HEALTHCHECK"]) {
    must(/(^|CMD )\[".*"\]$/s.test(said(keyword)), `${keyword} is not in the form ["…"], and needs a shell`);
  }
  must(of("RUN").length === 0, "the last stage has RUN, and no shell to run it");
  must(of("ADD", all).length === 0, "ADD: COPY does what is meant");
  for (const run of of("RUN", all)) {
    const words = run.getArgumentsContent() ?? "";
    const installs = words.split("&&").filter((one) => /\bpnpm install\b/.test(one));
    must(
      installs.every((one) => one.includes("--frozen-lockfile")),
      "pnpm install without --frozen-lockfile",
    );
    const pnpm = /\bpnpm@[\w.-]+/.exec(words)?.[0];
    must(
      pnpm === undefined || pnpm === packageManager,
      `${pnpm} is not ${packageManager}, as package.json says`,
    );
  }
  for (const name of Object.keys(environment).filter((one) => one.startsWith("FIELDLOG_"))) {
    must(settingNames.includes(name), `ENV ${name} is not a setting`);
  }
  return { environment, problems };
}
