import type { z } from "zod";

/**
 * A body that came as a text, as the schema has it; an empty one is `{}`.
 *
 * @throws what `refused` makes of what is wrong: every wrong field, or that it is no JSON
 */
export function jsonBody<S extends z.ZodType>(
  schema: S,
  body: unknown,
  refused: (what: string) => Error,
): z.output<S> {
  const read = schema.safeParse(parsed(body, refused));
  if (read.success) return read.data;
  const wrong = read.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  throw refused(wrong.join("; "));
}

function parsed(body: unknown, refused: (what: string) => Error): unknown {
  if (typeof body !== "string" || body.trim() === "") return {};
  try {
    return JSON.parse(body);
  } catch {
    throw refused("The body is not JSON.");
  }
}
