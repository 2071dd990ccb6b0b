import { CliError } from "../cli-error.js";
import type { Access } from "./access.js";

/** The parts of an RFC 9457 problem document that are told to people. */
interface Problem {
  title?: unknown;
  detail?: unknown;
  errors?: unknown;
}

/** A server's refusal as what to tell a person. `text` is the body, by rights a problem document. */
export function refusalOf(
  response: Pick<Response, "status" | "headers">,
  text: string,
  access: Access,
): CliError {
  const { status } = response;
  const problem = problemIn(text);
  const said = [problem.detail, problem.title].find((part) => typeof part === "string" && part !== "");
  const summary = said === undefined ? `the server answered ${status}` : String(said);
  const fields = fieldsIn(problem, summary.toLowerCase());
  return new CliError([summary, ...fields].join("\n  - "), { status, hint: hintFor(response, access) });
}

function hintFor(
  { status, headers }: Pick<Response, "status" | "headers">,
  access: Access,
): string | undefined {
  const after = headers.get("retry-after");
  switch (status) {
    case 401:
      return `The key comes from ${access.keySource}. It may be revoked or expired, or belong to another installation.`;
    case 403:
      return `The key from ${access.keySource} may not do that. The admin key may.`;
    case 404:
      return "What there is: namespaces list, devices list, keys list, read-models status.";
    case 429:
    case 503:
      return after ? `Try again in ${after} s.` : "Try again in a moment.";
    default:
      return status >= 500 ? "The server's log says more; /readyz says which part is not well." : undefined;
  }
}

function problemIn(text: string): Problem {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** What is wrong field by field, where the problem says so and the summary does not say it already. */
function fieldsIn({ errors }: Problem, summary: string): string[] {
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, 20).flatMap((error: unknown) => {
    if (typeof error !== "object" || error === null) return [String(error)];
    const { pointer, field, detail, message } = error as Record<string, unknown>;
    const reason = detail ?? message;
    if (summary.includes(String(reason).toLowerCase())) return [];
    return [[field ?? pointer, reason].filter((part) => part !== undefined).join(": ")];
  });
}
