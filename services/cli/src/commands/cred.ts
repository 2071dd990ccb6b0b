import type { Command } from "commander";
import type { ApiKey } from "../api/answers.js";
import { part } from "../api/api.js";
import { CliError } from "../cli-error.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { CredrcError } from "../credrc/credrc-error.js";
import { type Credrc, readCredrc } from "../credrc/read.js";
import { credrcSettings, credrcUrl } from "../credrc/settings.js";
import { clean } from "../output/text.js";
import type { World } from "../world.js";

interface GenOptions {
  readonly namespace: string;
  readonly config?: string;
  readonly admin?: boolean;
  readonly write?: boolean;
  readonly read?: boolean;
  readonly list?: boolean;
}

const CONFIG = ["--config <path>", "a configuration file of cred's own server"] as const;

export function addCred(program: Command, world: World): void {
  const cred = program
    .command("cred")
    .description("For who used cred's own server: its cred-gen, and its configuration file.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog cred gen --write", "a key for a cred client that posts events"],
        ["fieldlog cred gen --list", "the keys, by their first characters"],
        ["fieldlog cred config", "what the credrc that is found amounts to here"],
      ),
    );
  cred
    .command("gen")
    .description("A new API key for cred's clients, which is shown this once; or the list of them.")
    .option(...NAMESPACE)
    .option(...CONFIG)
    .option("--admin", "one that may also make keys")
    .option("--write", "one that may post events")
    .option("--read", "one that may read")
    .option("--list", "list the keys")
    .action((options: GenOptions, command: Command) => generate(options, command, world));
  cred
    .command("config")
    .description("Finds and checks a credrc, and prints the settings that it amounts to.")
    .option(...CONFIG)
    .action(({ config }: { config?: string }, command: Command) => {
      const read = credrcOf(config, world);
      const settings = credrcSettings(read);
      if (command.optsWithGlobals<{ json?: boolean }>().json) {
        world.out(`${JSON.stringify({ path: read.path ?? null, settings }, null, 2)}\n`);
        return;
      }
      tellPath(read, world);
      for (const [name, value] of Object.entries(settings)) world.out(`${name}=${value}\n`);
    });
}

/** B9: of several options, list wins, then the highest permission. */
async function generate(options: GenOptions, command: Command, world: World): Promise<void> {
  const { config, namespace, list } = options;
  if (config !== undefined) {
    const read = credrcOf(config, world);
    tellPath(read, world);
    const { url } = command.optsWithGlobals<{ url?: string }>();
    if (url === undefined && !world.env["FIELDLOG_PUBLIC_URL"])
      command.setOptionValue("url", credrcUrl(read));
  }
  const path = `/v1/namespaces/${part(namespace)}/api-keys`;
  if (list) return listKeys(path, command, world);
  const permission = (["admin", "write", "read"] as const).find((each) => options[each]);
  if (permission === undefined) return world.out("Please choose a permission level.\n");
  const { api, print } = contextOf(command, world);
  const created = await api.post<ApiKey & { key: string }>(path, {
    kind: "cred",
    permission,
    name: "cred gen",
  });
  print(created, () => `Generated API key with ${permission} permission: ${clean(created.key)}\n`);
}

async function listKeys(path: string, command: Command, world: World): Promise<void> {
  const { api, print } = contextOf(command, world);
  const answer = await api.get<{ keys: ApiKey[] }>(path);
  const keys = answer.keys.filter(({ kind, revokedAt }) => kind === "cred" && !revokedAt);
  print({ keys }, () => {
    const lines = keys.map((key) => `    ${clean(key.prefix ?? "")}… (${clean(key.permission)})\n`);
    return `Listing API keys:\n${lines.join("")}`;
  });
}

function tellPath({ path }: Credrc, world: World): void {
  if (path !== undefined) world.out(`Using configuration at ${path}\n`);
}

function credrcOf(config: string | undefined, { env, cwd }: World): Credrc {
  try {
    const home = env["HOME"];
    return readCredrc(config, { env, cwd, ...(home === undefined ? {} : { home }) });
  } catch (cause) {
    if (cause instanceof CredrcError) throw new CliError(cause.message, { verbatim: true, cause });
    throw cause;
  }
}
