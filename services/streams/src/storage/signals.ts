import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import type { BatchRow, MessageRow } from "../sorting/tables.js";
import type { StoredBatch } from "./batch-files.js";

/** The names of the events that tell of what is complete; libs/events lets nobody publish others of them. */
const MESSAGE_COMPLETED = "StreamMessageCompleted";
const BATCH_COMPLETED = "StreamBatchCompleted";

/** Where what was stored is, in the words of those who look for it. */
export function pathOf({ grp, stream, device, batch_id, id }: Omit<MessageRow, "position">): string {
  return ["messages", grp, stream, device, batch_id, id].join("/");
}

/** An encoded Signal; the same message has the same identity, however often it is told. */
export function messageSignal(message: MessageRow & { sha256: Uint8Array }): Uint8Array {
  const { position, device, grp, stream, batch_id, slice, id, site, bytes, sha256, received_at } = message;
  return signalOf(device, `streams/message/${position}`, received_at, MESSAGE_COMPLETED, {
    ...{ message: position, group: grp, stream, batch: batch_id, id, path: pathOf(message), bytes },
    ...{ slice: slice || undefined, site: site || undefined, sha256: Buffer.from(sha256).toString("hex") },
  });
}

/** The same of a batch. */
export function batchSignal(batch: BatchRow & StoredBatch): Uint8Array {
  const { namespace, number, device, grp, stream, id, messages, bytes, isFile } = batch;
  const { concatenation, completed_at, begun_at } = batch;
  return signalOf(device, `streams/batch/${number}`, completed_at ?? begun_at, BATCH_COMPLETED, {
    ...{ batch: number, group: grp, stream, id, messages, bytes, concatenation },
    // Where it is not put together: what the paths of its messages begin with.
    path: [isFile ? "batches" : "messages", grp, stream, device, id].join("/"),
    link: `/v1/namespaces/${encodeURIComponent(namespace)}/streams/batches/${number}/data`,
  });
}

function signalOf(device: string, identity: string, at: Date, name: string, about: object): Uint8Array {
  const data = Buffer.from(JSON.stringify(about));
  const time = BigInt(at.getTime());
  const signal = create(signals.SignalSchema, {
    ...{ device, identity, receivedAt: time, occurredAt: time },
    digest: createHash("sha256").update(data).digest().subarray(0, 8),
    body: { case: "event", value: { name, issuer: "streams", data } },
  });
  return toBinary(signals.SignalSchema, signal);
}
