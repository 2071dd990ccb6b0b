import type { Command } from "commander";
import type { Resealed } from "../api/answers.js";
import type { Api } from "../api/api.js";
import { CliError } from "../cli-error.js";
import { contextOf, examples } from "../context.js";
import { Progress } from "../output/progress.js";
import { right, table } from "../output/table.js";
import { clean, count, type Paint } from "../output/text.js";
import type { World } from "../world.js";

const PATH = "/v1/installation/reseal";

/** What a service keeps sealed, by which keys. */
interface Kept {
  readonly service: string;
  readonly keyIds: readonly string[];
  readonly found: Record<string, number>;
}

/** `installation`: what concerns it as a whole. */
export function addInstallation(program: Command, world: World): void {
  const installation = program
    .command("installation")
    .description("The installation as a whole: exchanging its key.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog installation reseal --check", "which keys seal how much, and whether one may go"],
        ["fieldlog installation reseal", "seal everything by the first key of FIELDLOG_INSTALLATION_KEY"],
      ),
    );

  installation
    .command("reseal")
    .description(
      "Seals anew, by the first key of FIELDLOG_INSTALLATION_KEY, what another one sealed. May be broken off and asked again.",
    )
    .option("--check", "only count what is sealed by which key")
    .action(async ({ check }: { check?: boolean }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const before = await countAll(api);
      if (check === true) return print(summary(before), () => keptTable(before, paint));
      const resealed = await reseal(api, world, before);
      const after = await countAll(api);
      print({ resealed, ...summary(after) }, () => {
        return `${keptTable(after, paint)}\n${paint("green", "Sealed anew")}: ${count(resealed)}.\n`;
      });
      const left = others(after);
      if (left > 0) throw new CliError(`${count(left)} are still sealed by another key`, { hint: HINT });
    });
}

const HINT =
  "Put the key of that id behind the first one of FIELDLOG_INSTALLATION_KEY, or ask again if services are being restarted.";

async function countAll(api: Api): Promise<Kept[]> {
  const kept = new Map<string, Kept>();
  for await (const { service, keyIds, found } of pages(api, true)) {
    const sum = { ...kept.get(service)?.found };
    for (const [key, boxes] of Object.entries(found)) sum[key] = (sum[key] ?? 0) + boxes;
    kept.set(service, { service, keyIds, found: sum });
  }
  return [...kept.values()];
}

async function reseal(api: Api, world: World, before: readonly Kept[]): Promise<number> {
  const progress = new Progress(world, "sealed anew", "boxes");
  const total = others(before);
  let done = 0;
  try {
    for await (const { resealed } of pages(api, false)) {
      done += resealed;
      progress.show(done, Math.max(done, total));
    }
    return done;
  } finally {
    progress.end();
  }
}

async function* pages(api: Api, check: boolean): AsyncGenerator<Resealed, void> {
  let after: string | null = null;
  do {
    const page: Resealed = await api.post<Resealed>(PATH, { check, ...(after === null ? {} : { after }) });
    yield page;
    after = page.next;
  } while (after !== null);
}

/** How many are sealed by another key than the service's first. */
function others(kept: readonly Kept[]): number {
  return kept
    .flatMap(({ keyIds, found }) => Object.entries(found).map(([key, n]) => (key === keyIds[0] ? 0 : n)))
    .reduce((sum, n) => sum + n, 0);
}

function summary(services: readonly Kept[]) {
  return { services, sealedByOthers: others(services) };
}

function keptTable(services: readonly Kept[], paint: Paint): string {
  const rows = services.flatMap(({ service, keyIds, found }) => {
    const keys = [...new Set([...keyIds, ...Object.keys(found)])];
    return keys.map((key) => [
      ...[clean(service), clean(key), count(found[key] ?? 0), roleOf(key, keyIds, paint)],
    ]);
  });
  return table(["SERVICE", "KEY", right("SEALED"), "THE SERVICE"], rows, paint);
}

function roleOf(key: string, keyIds: readonly string[], paint: Paint): string {
  if (key === keyIds[0]) return paint("green", "seals by it");
  return keyIds.includes(key) ? "opens it" : paint("red", "does not have it");
}
