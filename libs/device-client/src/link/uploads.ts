import { randomUUID } from "node:crypto";
import type { Connection } from "../provisioning/connection-string.js";
import { type Answer, type Https, Unreachable } from "../provisioning/https.js";

const VERSION = "api-version=2020-03-13";

/**
 * Uploads a large payload in three steps (reference B4) and returns the name that a message refers to it by. Raises
 * Unreachable for whatever goes wrong: it is tried again, in a new upload.
 */
export async function upload(
  https: Https,
  { workspaceId, deviceId, signature }: Connection,
  payload: Uint8Array,
  signal: AbortSignal,
): Promise<string> {
  const name = randomUUID();
  const headers = { authorization: signature };
  const files = `/devices/${workspaceId}:${deviceId}/files`;
  const begun = await https.call(
    { method: "POST", path: `${files}?${VERSION}`, headers, body: { blobName: name } },
    signal,
  );
  const told = expectGood(begun).body ?? {};
  const text = (key: string) => String(told[key] ?? "");
  const path = `/${text("containerName")}/${text("blobName")}${text("sasToken")}`;
  const stored = await https.call(
    {
      method: "PUT",
      host: text("hostName"),
      path,
      headers: { "x-ms-blob-type": "BlockBlob" },
      body: payload,
    },
    signal,
  );
  const isSuccess = stored.status < 300;
  const body = {
    ...{ correlationId: text("correlationId"), isSuccess, statusCode: isSuccess ? 200 : stored.status },
    statusDescription: isSuccess ? "Done" : "Failed",
  };
  const path2 = `${files}/notifications?${VERSION}`;
  const notified = await https.call({ method: "POST", path: path2, headers, body }, signal);
  expectGood(stored);
  expectGood(notified);
  return name;
}

function expectGood(answer: Answer): Answer {
  if (answer.status < 200 || answer.status > 299) throw new Unreachable(`the upload: ${answer.status}`);
  return answer;
}
