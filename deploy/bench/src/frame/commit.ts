import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What keeping a run changes, which does not change what is measured. */
const PAGES = [
  "README.md",
  ...["results", "charts", "README.md", "CAPACITY.md"].map((path) => `deploy/bench/${path}`),
].map((path) => `:(top,exclude)${path}`);

/** The commit that is measured: its short hash, with a `+` when files have changed since; "unknown" outside git. */
export async function thisCommit(): Promise<string> {
  const git = promisify(execFile);
  try {
    const { stdout } = await git("git", ["rev-parse", "--short=9", "HEAD"]);
    const changed = await git("git", ["status", "--porcelain", "--untracked-files=no", "--", ":/", ...PAGES]);
    return stdout.trim() + (changed.stdout === "" ? "" : "+");
  } catch {
    return "unknown";
  }
}
