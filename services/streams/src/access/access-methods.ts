import { indexOf, limits, sequenceOf, signalsStream, type streams } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import { InvalidField } from "@fieldlog/decider";
import { decodeBatch, type EventLog } from "@fieldlog/event-log";
import { encrypted, NoSuchObject, type ObjectStore, streamUploadFolder, wholeOf } from "@fieldlog/objects";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import type { Capabilities } from "@fieldlog/sealing";
import { NotFound } from "../refusals.js";
import { batchParts } from "../storage/batch-parts.js";
import { CONTAINERS, type Container } from "./paths.js";
import type { StoredRows } from "./stored-rows.js";

type Methods = Pick<ServiceImpl<typeof streams.StreamsService>, "beginAccess" | "listStored" | "getStored">;

export interface AccessMethodsParts {
  /** Of the namespace's shard. Raises RpcError. */
  readonly rowsOf: (namespace: string) => StoredRows;
  readonly keys: Pick<DataKeys, "find">;
  readonly log: Pick<EventLog, "get">;
  readonly objects: ObjectStore;
  /** "nats", "s3". */
  readonly store: string;
  /** Of the purpose {@link STREAM_ACCESS}. */
  readonly tokens: Capabilities;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

export const STREAM_ACCESS = "stream-access";
/** Characters of the longest path: five names of which each character may take nine. */
const PATH = 5 * 9 * limits.streamNameLength;

/** What is stored, listed and read by paths, for whoever has a token that is made here. */
export function accessMethods(parts: AccessMethodsParts): Methods {
  const { rowsOf, tokens, now } = parts;
  const opened = (token: string): { namespace: string; container: Container } => {
    const found = tokens.open(token);
    if (found === undefined || found.expiresAt <= now()) {
      throw new RpcError("unauthenticated", "this is no token, or its time is over");
    }
    return { namespace: found.namespace, container: containerIn("token", found.subject) };
  };
  return {
    async beginAccess({ namespace, container: subject, durationMs }) {
      containerIn("container", subject);
      if (namespace === "") throw new InvalidField("namespace", "is missing");
      if (durationMs < 1n || durationMs > BigInt(limits.storageAccessMs)) {
        throw new InvalidField("duration_ms", `is from 1 to ${limits.storageAccessMs}`);
      }
      const expiresAt = now() + Number(durationMs);
      return { token: tokens.issue({ namespace, subject, expiresAt }), expiresAt: BigInt(expiresAt) };
    },
    async listStored({ token, prefix, after, limit }) {
      const { namespace, container } = opened(token);
      if (limit < 1 || limit > limits.pageRows) {
        throw new InvalidField("limit", `is from 1 to ${limits.pageRows}`);
      }
      const asked = { prefix: checkPath("prefix", prefix), after: checkPath("after", after), limit };
      const found = await rowsOf(namespace).list(namespace, container, asked);
      const files = found.map(({ path, bytes, at }) => ({
        ...{ path, bytes: BigInt(bytes), at: BigInt(at.getTime()) },
      }));
      return { namespace, files, next: files.length === limit ? (files.at(-1)?.path ?? "") : "" };
    },
    async getStored({ token, path }) {
      const { namespace, container } = opened(token);
      checkPath("path", path);
      if (container === "messages") return { namespace, object: await message(parts, namespace, path) };
      if (container === "batches") return { namespace, object: await batch(parts, namespace, path) };
      return { namespace, ...(await deadLetter(parts, namespace, path)) };
    },
  };
}

async function message(parts: AccessMethodsParts, namespace: string, path: string) {
  const found = await parts.rowsOf(namespace).message(namespace, path);
  if (found === undefined) throw new NotFound("message");
  return objectOf(parts, found, [{ object: found.object ?? "", bytes: Number(found.bytes) }]);
}

async function batch(parts: AccessMethodsParts, namespace: string, path: string) {
  const found = await parts.rowsOf(namespace).batchFile(namespace, path);
  if (found === undefined) throw new NotFound("batch");
  const { device, slice, bytes } = found;
  const file = { namespace, device, batch: Number(found.number), slice };
  return objectOf(parts, found, batchParts(file, Number(bytes)));
}

/** As it came, from the log or from where it was uploaded to. */
async function deadLetter(parts: AccessMethodsParts, namespace: string, path: string) {
  const found = await parts.rowsOf(namespace).deadLetter(namespace, path);
  if (found === undefined) throw new NotFound("dead letter");
  const { device, external } = found;
  if (external !== "") {
    const key = await keyOf(parts, { namespace, device });
    const folder = streamUploadFolder(namespace, device, external);
    const whole = await wholeOf(encrypted(parts.objects, key), folder).catch((error: unknown) => {
      if (error instanceof NoSuchObject) throw new NotFound("upload");
      throw error;
    });
    return { object: await objectOf(parts, { namespace, device }, whole.parts) };
  }
  const commit = await parts.log.get(signalsStream(namespace), sequenceOf(Number(found.position)));
  const body = commit && decodeBatch(commit)[indexOf(Number(found.position))]?.body;
  if (body?.case !== "streamMessage") throw new NotFound("dead letter");
  return { content: body.value.payload };
}

async function objectOf(
  parts: AccessMethodsParts,
  of: { namespace: string; device: string },
  whole: readonly { object: string; bytes: number }[],
) {
  const key = await keyOf(parts, of);
  const objects = whole.map(({ object }) => object);
  return { store: parts.store, objects, objectBytes: whole.map(({ bytes }) => BigInt(bytes)), key };
}

async function keyOf({ keys }: AccessMethodsParts, of: { namespace: string; device: string }) {
  const key = await keys.find(of.namespace, of.device);
  if (key === undefined) throw new NotFound("key: the device was erased");
  return key;
}

function containerIn(field: string, name: string): Container {
  const found = CONTAINERS.find((one) => one === name);
  if (found === undefined) throw new InvalidField(field, `is one of ${CONTAINERS.join(", ")}`);
  return found;
}

function checkPath(field: string, path: string): string {
  if (path.length > PATH || path.includes("\u0000")) throw new InvalidField(field, "is no path");
  return path;
}
