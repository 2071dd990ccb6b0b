import type { IncomingMessage } from "node:http";
import { withTraceParent } from "@fieldlog/runtime";

/** Does the work within the trace that the request belongs to, or a new one, under that name. */
export function traced<T>(
  { headers }: Pick<IncomingMessage, "headers">,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const given = headers["traceparent"];
  return withTraceParent(typeof given === "string" ? given : undefined, name, {}, work);
}
