/** What a log line of a service looks like to us; the rest stays in the file. */
interface Entry {
  level?: string;
  time?: string;
  service?: string;
  msg?: string;
  err?: { message?: string };
}

const SHOWN = /^\{"level":"(warn|error|fatal)"/;

/**
 * A warning or an error of a service as one line for a person, `12:00:01 warn  devices: message (reason)`;
 * undefined for what only the log file gets. `name`: in place of the service's.
 */
export function readableProblem(line: string, name?: string): string | undefined {
  if (!SHOWN.test(line)) return undefined;
  let entry: Entry;
  try {
    entry = JSON.parse(line) as Entry;
  } catch {
    return undefined;
  }
  const { level = "", time = "", service = "", msg = "", err } = entry;
  const reason = err?.message && err.message !== msg ? err.message.split("\n")[0] : "";
  const text = [msg, reason && msg ? `(${reason})` : reason].filter(Boolean).join(" ");
  return `${time.slice(11, 19)} ${level.padEnd(5)} ${name ?? service}: ${text}`;
}
