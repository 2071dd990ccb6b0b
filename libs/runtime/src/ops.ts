import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Runtime } from "./runtime.js";

export interface OpsAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** The operator's three paths, the same at every service. */
export const opsPaths = Object.freeze(["/healthz", "/readyz", "/metrics"] as const);

/** The answer to a GET of an operator's path; undefined for any other path. */
export async function answerOps(
  runtime: Pick<Runtime, "health" | "metrics">,
  path: string,
): Promise<OpsAnswer | undefined> {
  switch (path) {
    case "/healthz":
      return json(200, { alive: true });
    case "/readyz": {
      const report = await runtime.health.report();
      return json(report.ready ? 200 : 503, report);
    }
    case "/metrics":
      return { status: 200, contentType: runtime.metrics.contentType, body: await runtime.metrics.metrics() };
    default:
      return undefined;
  }
}

/** Serves the operator's paths on their own port (0: a free one). */
export async function listenOps(
  runtime: Runtime,
  port: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    try {
      const answer =
        request.method === "GET" || request.method === "HEAD"
          ? await answerOps(runtime, (request.url ?? "").split("?")[0] ?? "")
          : undefined;
      const { status, contentType, body } = answer ?? json(404, { paths: opsPaths });
      response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
      response.end(request.method === "HEAD" ? undefined : body);
    } catch (err) {
      runtime.logger.error({ err }, "operator's request failed");
      response.writeHead(500).end();
    }
  });
  await listen(server, port, runtime.settings.opsBind ?? runtime.settings.bind);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function json(status: number, body: unknown): OpsAnswer {
  return { status, contentType: "application/json; charset=utf-8", body: `${JSON.stringify(body)}\n` };
}
