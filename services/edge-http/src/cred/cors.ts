import type { IncomingMessage } from "node:http";

// B4: every page of the web may ask, with its reader's cookie.

/** Headers of every answer to a page; of others none. */
export function corsHeaders({ headers }: Pick<IncomingMessage, "headers">): Record<string, string> {
  const { origin } = headers;
  if (origin === undefined) return { vary: "Origin" };
  return {
    ...{ vary: "Origin", "access-control-allow-origin": origin },
    "access-control-allow-credentials": "true",
  };
}

/** Headers of the answer to whoever asks what may be sent (Fetch, 4.8). */
export function preflightHeaders(
  request: IncomingMessage,
  methods: readonly string[],
): Record<string, string> {
  const allowed = methods.join(", ");
  const asked = request.headers["access-control-request-headers"];
  return {
    ...corsHeaders(request),
    ...{ allow: allowed, "access-control-allow-methods": allowed, "access-control-max-age": "600" },
    ...(typeof asked === "string" ? { "access-control-allow-headers": asked } : {}),
  };
}
