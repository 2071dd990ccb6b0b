import type { Objects } from "@fieldlog/objects";
import type { Logger } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { jsonBody } from "../../http/json-body.js";
import type { RequestCounts } from "../../http/request-counts.js";
import { traced } from "../../http/traced.js";
import { sendDeployment } from "./deployments.js";
import { keyOperations, type ProjectOperation, projectOperations } from "./operations.js";
import type { StudioParts } from "./parts.js";
import { refusalOf, refusals } from "./refusal.js";

export interface StudioRoutesOptions {
  readonly parts: StudioParts;
  /** Where models are. */
  readonly objects: Objects;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  /** Whether the server is stopping: then connections end with their answer. */
  readonly stopping: () => boolean;
}

export const BASE = "/v1/api";
/** The one whose answer is no JSON. */
export const DOWNLOAD = { name: "getDeploymentFile", path: "/:project/deployment/download" } as const;
const SUCCESS = { success: true };

/** Reference section 3: the REST set that the clients need, and the paths that the original has for operators. */
export async function studioRoutes(app: FastifyInstance, options: StudioRoutesOptions): Promise<void> {
  const { parts, objects, counts, stopping } = options;
  app.removeAllContentTypeParsers();
  // Whatever it says that it is: what is told is JSON.
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, text: string, done) => done(null, text));
  app.setErrorHandler((error, request, reply) => refuse(options, error, request, reply));
  app.addHook("onSend", async (_request, reply) => {
    if (stopping()) void reply.header("connection", "close");
  });
  const counted = (name: string) => ({
    onResponse: async (_request: FastifyRequest, reply: FastifyReply) => {
      counts.note(`studio ${name}`, reply.statusCode);
    },
  });
  for (const { name, path, handle } of keyOperations) {
    app.get(`${BASE}${path}`, counted(name), (request) =>
      traced(request, `studio ${name}`, async () => {
        const key = await parts.projects.keyOf(request.headers);
        return { ...SUCCESS, ...(await handle(parts, key)) };
      }),
    );
  }
  for (const operation of projectOperations) {
    const { name, method, path } = operation;
    app.route({
      ...{ ...counted(name), method, url: `${BASE}/:project${path}` },
      handler: (request) => traced(request, `studio ${name}`, () => answer(parts, operation, request)),
    });
  }
  app.get(`${BASE}${DOWNLOAD.path}`, counted(DOWNLOAD.name), (request, reply) =>
    traced(request, DOWNLOAD.name, async () => {
      const { project } = request.params as { project: string };
      const caller = await parts.projects.caller(request.headers, project, "read");
      return sendDeployment({ ...parts, objects }, { caller }, reply);
    }),
  );
  app.all(`${BASE}/*`, { ...counted("unmatched"), config: { refuses: true } }, () => {
    throw refusals.noPath();
  });
}

async function answer(
  parts: StudioParts,
  { needs, body, handle }: ProjectOperation,
  request: FastifyRequest,
): Promise<object> {
  const params = request.params as Record<string, string>;
  const caller = await parts.projects.caller(request.headers, params["project"] ?? "", needs);
  const read = jsonBody(body, request.body, refusals.invalid);
  return { ...SUCCESS, ...(await handle(parts, { caller, params, body: read as never, raw: request.raw })) };
}

function refuse(
  { logger }: StudioRoutesOptions,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const refusal = refusalOf(error) ?? refusals.unforeseen();
  if (refusal.status === 500) logger.error({ err: error, path: request.routeOptions.url }, "request failed");
  if (refusal.retryAfterS !== undefined) void reply.header("retry-after", String(refusal.retryAfterS));
  void reply.code(refusal.status).send({ success: false, error: refusal.message });
}
