import type { IncomingMessage, ServerResponse } from "node:http";

// A3: every page of the web may ask.

const METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/** A browser's question whether it may send a request (Fetch, 4.8). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === "OPTIONS" &&
    headers.origin !== undefined &&
    headers["access-control-request-method"] !== undefined
  );
}

export function preflight(request: IncomingMessage, response: ServerResponse): void {
  const asked = request.headers["access-control-request-headers"];
  response.writeHead(200, {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": METHODS,
    ...(asked === undefined ? {} : { "access-control-allow-headers": asked }),
    "access-control-max-age": "600",
    "content-type": "text/plain; charset=utf-8",
    vary: "Origin",
  });
  response.end("OK");
}
