import { STATUS_CODES } from "node:http";
import type { PlainAnswer } from "../http/late.js";

export const PROBLEM = "application/problem+json";

/** One thing that is wrong with a request's query or body. */
export interface FieldProblem {
  /** Path of the field, e.g. `limit` or `permission`. */
  readonly field: string;
  readonly detail: string;
}

/** A request that is not granted; becomes a problem document (RFC 9457). */
export class Problem extends Error {
  override readonly name = "Problem";
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly more: {
      readonly errors?: readonly FieldProblem[];
      /** Seconds, for Retry-After. */
      readonly retryAfterS?: number;
    } = {},
  ) {
    super(detail);
  }
}

/** What devices are told of a namespace that is disabled. */
export function disabled(): Problem {
  return new Problem(423, "The namespace is disabled.", { retryAfterS: 60 });
}

export function problemOf({ status, detail, more }: Problem): PlainAnswer {
  return problem(status, detail, more.errors);
}

export function problem(status: number, detail: string, errors?: readonly FieldProblem[]): PlainAnswer {
  const document = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail };
  const json = JSON.stringify(errors === undefined ? document : { ...document, errors });
  return { status, contentType: PROBLEM, body: Buffer.from(json).toString("latin1") };
}
