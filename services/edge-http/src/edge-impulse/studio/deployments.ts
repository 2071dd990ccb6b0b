import { Readable } from "node:stream";
import type { sampling } from "@fieldlog/contracts";
import { NoSuchObject, type Objects } from "@fieldlog/objects";
import { RpcError } from "@fieldlog/rpc";
import { storedContent } from "@fieldlog/samples";
import type { FastifyReply } from "fastify";
import { type Call, type StudioParts, seen } from "./parts.js";
import { refusals } from "./refusal.js";

// What the runner asks for before it takes a model over. A model is a file here, of which nothing is known, so whatever
// a runner asks for is there.

/** The names that the runners have for themselves (runner-downloader.js of 1.3.9, 1.8.7 and 1.25.2). */
const RUNNERS = [
  "runner-linux-aarch64",
  "runner-linux-aarch64-akd1000",
  "runner-linux-aarch64-jetson-nano",
  "runner-linux-aarch64-jetson-orin",
  "runner-linux-aarch64-jetson-orin-6-0",
  "runner-linux-aarch64-qnn",
  "runner-linux-aarch64-rzv2l",
  "runner-linux-armv7",
  "runner-linux-x86_64",
  "runner-mac-arm64",
  "runner-mac-x86_64",
];
const VARIANTS = ["float32", "int8"].map((variant) => ({ variant, supported: true }));
const ENGINE = "tflite";

/** A project has one impulse. */
export async function listImpulses(_parts: StudioParts, { caller }: Call) {
  return { impulses: [{ id: 1, name: caller.namespace.name }] };
}

export async function listVariants() {
  return {
    modelVariants: [{ variant: "float32", isReferenceVariant: true, isEnabled: true, isSelected: true }],
  };
}

export async function listTargets() {
  const targets = RUNNERS.map((format) => ({
    ...{ format, name: format, supportedEngines: [ENGINE], preferredEngine: ENGINE },
    modelVariants: VARIANTS,
  }));
  return { targets };
}

/** The newest model, whatever the target. */
export async function getDeployment(parts: StudioParts, { caller }: Call) {
  const found = await newestModel(parts, caller.namespace.id);
  const version = found?.model?.stored?.version;
  return version === undefined ? { hasDeployment: false } : { hasDeployment: true, version };
}

/** Raises Refusal 404. */
export async function sendDeployment(
  parts: StudioParts & { readonly objects: Objects },
  { caller }: Pick<Call, "caller">,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const found = await newestModel(parts, caller.namespace.id);
  const { stored: file, version } = found?.model?.stored ?? {};
  if (found === undefined || file === undefined) throw refusals.noModel();
  const content = storedContent(parts.objects, file, found.key)[Symbol.asyncIterator]();
  const first = await content.next().catch((error: unknown) => {
    throw error instanceof NoSuchObject ? refusals.noModel() : error;
  });
  return reply
    .type("application/octet-stream")
    .header("content-length", String(file.bytes))
    .header("content-disposition", `attachment; filename="model-v${version}.eim"`)
    .send(Readable.from(resumed(first, content), { objectMode: false }));
}

/** What is missing is known before the answer begins. */
async function* resumed(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** undefined: there is none. */
async function newestModel(
  parts: StudioParts,
  namespace: string,
): Promise<sampling.GetModelResponse | undefined> {
  try {
    return await parts.sampling.getModel({ namespace, version: 0, atLeast: seen(parts, namespace) });
  } catch (error) {
    if (error instanceof RpcError && error.code === "not_found") return undefined;
    throw error;
  }
}
