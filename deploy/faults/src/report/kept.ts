import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { markdownOf, type RunRecord } from "./record.js";

const BEGIN = "<!-- kept runs: by --keep -->";
const END = "<!-- end of kept runs -->";

/** The runs that stay in the repository: `results/<date>-<commit>.json`, and the README's table of them. */
export class KeptRuns {
  /** @param folder has the README */
  constructor(private readonly folder: string) {}

  /** Returns the file. */
  async keep(record: RunRecord): Promise<string> {
    const results = join(this.folder, "results");
    await mkdir(results, { recursive: true });
    const file = join(
      results,
      `${record.date.slice(0, 10)}-${record.commit.replace("+", "")}-${record.seed}.json`,
    );
    await writeFile(file, `${JSON.stringify(record, undefined, 2)}\n`);
    await this.tell(await this.all(results));
    return file;
  }

  private async all(results: string): Promise<RunRecord[]> {
    const files = (await readdir(results)).filter((name) => name.endsWith(".json"));
    const texts = await Promise.all(files.map((name) => readFile(join(results, name), "utf8")));
    return texts.map((text) => JSON.parse(text) as RunRecord);
  }

  private async tell(records: readonly RunRecord[]): Promise<void> {
    const readme = join(this.folder, "README.md");
    const text = await readFile(readme, "utf8");
    const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
    if (begin < 0 || end < begin) throw new Error(`${readme} has no place for kept runs`);
    const table = `${BEGIN}\n\n${markdownOf(records)}\n\n`;
    await writeFile(readme, text.slice(0, begin) + table + text.slice(end));
  }
}
