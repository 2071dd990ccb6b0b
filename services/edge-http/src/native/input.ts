import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import type { Operation } from "./operations.js";
import { Problem } from "./problem.js";

/** The request's query and body as the operation describes them. Raises Problem 400 naming every wrong field. */
export function readInput<O extends Operation>(
  operation: O,
  request: FastifyRequest,
): { query: z.output<O["query"]>; body: O["body"] extends z.ZodType ? z.output<O["body"]> : undefined } {
  const query = check(operation.query, withoutNul(request.query ?? {}), "query");
  const body = operation.body === undefined ? undefined : check(operation.body, request.body ?? {}, "body");
  return { query, body } as ReturnType<typeof readInput<O>>;
}

function check<S extends z.ZodType>(schema: S, value: unknown, where: "query" | "body"): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.map((issue) => ({
    field: [...issue.path, ...("keys" in issue ? [String(issue.keys)] : [])].join(".") || where,
    detail: issue.message,
  }));
  const first = errors.map(({ field, detail }) => `${field}: ${detail}`).join("; ");
  throw new Problem(400, `The ${where} is not right. ${first}`, { errors });
}

/** PostgreSQL keeps no text with NUL, so nothing that is asked for has it. Raises Problem 400. */
function withoutNul(query: object): object {
  const [field] = Object.entries(query).find(([, value]) => String(value).includes("\0")) ?? [];
  if (field === undefined) return query;
  const detail = "must not hold NUL";
  throw new Problem(400, `The query is not right. ${field}: ${detail}`, { errors: [{ field, detail }] });
}

/** One parameter of the path. */
export function param(request: FastifyRequest, name: string): string {
  return (request.params as Record<string, string>)[name] ?? "";
}

/** Header `fieldlog-min-position`: what the answer must have seen; 0: anything. Raises Problem 400. */
export function minPosition(request: FastifyRequest): number {
  const given = request.headers["fieldlog-min-position"];
  if (given === undefined) return 0;
  const value = typeof given === "string" && /^\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new Problem(400, "The header fieldlog-min-position is not a position.");
}
